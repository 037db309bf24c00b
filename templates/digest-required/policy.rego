# With: images, exemptions, messages
package hallmark.digestrequired

import future.keywords.contains
import future.keywords.if
import future.keywords.in

refusals contains refusal if some refusal in object_refusals

refusals contains refusal if {
	some image in images
	not pinned(image)
	not tag_allowed(image)
	refusal := {
		"image": image,
		"code": "DIGEST_MISSING",
		"message": "the image is not named by its digest, so that what runs can change without anybody asking",
		"remedy": "name the image by digest: repository@sha256:..., or repository:tag@sha256:...",
	}
}

violation contains result if {
	some refusal in refusals
	result := described(refusal)
}

pinned(image) if regex.match(`^[^@\s]+@(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$`, image)

# `parameters.tagsAllowed`: repositories, or with a star behind a slash all below them.
tag_allowed(image) if {
	is_array(input.parameters.tagsAllowed)
	some allowed in input.parameters.tagsAllowed
	covers(allowed, repository(image))
}

covers(allowed, name) if allowed == name

covers(allowed, name) if {
	regex.match(`^[^*\[]+/\*$`, allowed)
	startswith(name, trim_suffix(allowed, "*"))
}

# What is left without a tag: a colon in the last part is no port. What has an @ is not asked about here.
repository(image) := regex.replace(image, `:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`, "") if indexof(image, "@") == -1
