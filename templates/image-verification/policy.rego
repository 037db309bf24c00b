# With: images, exemptions, verdicts, messages
package hallmark.imageverification

import future.keywords.contains
import future.keywords.if
import future.keywords.in

provider := "hallmark"

# An exempted image is never sent.
asked contains image if {
	some image in images
	not exempted(image)
}

# An array of texts: of a set, external_data would be undefined.
keys := [image | some image in asked]

# Where external_data is undefined, nothing is admitted.
default answer := {}

answer := external_data({"provider": provider, "keys": keys}) if count(keys) > 0

refusals contains refusal if some refusal in object_refusals

refused contains image if {
	some image in asked
	not admitted(answer, image)
}

refusals contains refusal if {
	some image in refused
	refusal := refusal_of(answer, image, image)
}

refusals contains refusal if {
	count(keys) > 0
	count(refused) == 0
	not sound(answer)
	refusal := refusal_of_answer(answer, keys)
}

violation contains result if {
	some refusal in refusals
	result := described(refusal)
}
