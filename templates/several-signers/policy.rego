# With: images, exemptions, verdicts, signers, messages
package hallmark.severalsigners

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

# An answer that ended its search at the first good signature says nothing about the others.
refusals contains refusal if {
	some image in asked
	admitted(answer, image)
	not all_looked_at(answer, image)
	refusal := signer_refusal(
		answer, image, "EVIDENCE_FIRST",
		"only the first valid signature was looked for: set spec.parameters.evidence: all in the Policy",
	)
}

refusals contains refusal if {
	some image in asked
	admitted(answer, image)
	all_looked_at(answer, image)
	not enough(image)
	not all_described(answer, image)
	refusal := signer_refusal(
		answer, image, "SIGNATURES_OMITTED",
		"more signatures than an answer describes: delete superseded ones from the registry",
	)
}

refusals contains refusal if {
	some image in asked
	admitted(answer, image)
	all_looked_at(answer, image)
	not enough(image)
	all_described(answer, image)
	refusal := signer_refusal(answer, image, "SIGNERS_MISSING", sprintf("%v of %v required signers: have it signed by %v", [
		count(signers_found(answer, image)),
		minimum,
		signers_missing(answer, image),
	]))
}

# What is no number is never reached.
minimum := input.parameters.minimum if has_minimum

minimum := "an unknown number" if not has_minimum

has_minimum if is_number(input.parameters.minimum)

enough(image) if {
	is_number(minimum)
	minimum >= 1
	count(signers_found(answer, image)) >= minimum
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
