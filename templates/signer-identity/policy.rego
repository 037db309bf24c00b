# With: images, exemptions, verdicts, signers, messages
package hallmark.signeridentity

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

# Verified, but not by whom it has to be. An image whose trust policy skips it has no signer.
refusals contains refusal if {
	some image in asked
	admitted(answer, image)
	count(signers_found(answer, image)) == 0
	refusal := signer_refusal(answer, image, "SIGNER_NOT_LISTED", remedy(image))
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

remedy(image) := sprintf("signed by %v, none of the required signers", [signer_names(answer, image)]) if {
	all_looked_at(answer, image)
}

remedy(image) := sprintf("signed by %v; for others, set evidence: all in the Policy", [signer_names(answer, image)]) if {
	not all_looked_at(answer, image)
}
