package hallmark.imageverification

import future.keywords.contains
import future.keywords.if
import future.keywords.in

import data.lib.exemptions
import data.lib.images
import data.lib.messages
import data.lib.verdicts

provider := "hallmark"

# An exempted image is never sent.
asked contains image if {
	some image in images.named
	not exemptions.in_force(image)
}

# An array of texts: of a set, external_data would be undefined.
keys := [image | some image in asked]

# Where external_data is undefined, nothing is admitted.
default answer := {}

answer := external_data({"provider": provider, "keys": keys}) if count(keys) > 0

refusals contains refusal if some refusal in images.refusals

refused contains image if {
	some image in asked
	not verdicts.admitted(answer, image)
}

refusals contains refusal if {
	some image in refused
	refusal := verdicts.refusal(answer, image, image)
}

refusals contains refusal if {
	count(keys) > 0
	count(refused) == 0
	not verdicts.sound(answer)
	refusal := verdicts.unsound(answer, keys)
}

violation contains result if {
	some refusal in refusals
	result := messages.violation(refusal)
}
