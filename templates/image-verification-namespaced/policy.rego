# With: images, exemptions, verdicts, messages
package hallmark.imageverificationnamespaced

import future.keywords.contains
import future.keywords.if
import future.keywords.in

provider := "hallmark"

# An exempted image is never sent.
asked contains image if {
	some image in images
	not exempted(image)
}

# The namespace of the request, which its author does not write; without one nobody is asked.
namespace := input.review.namespace

namespaced if regex.match(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`, namespace)

key(image) := sprintf("[%v]%v", [namespace, image])

# An array of texts: of a set, external_data would be undefined.
keys := [key(image) |
	namespaced
	some image in asked
]

# Where external_data is undefined, nothing is admitted.
default answer := {}

answer := external_data({"provider": provider, "keys": keys}) if count(keys) > 0

refusals contains refusal if some refusal in object_refusals

refused contains image if {
	some image in asked
	not image_admitted(image)
}

# A rule of its own: where there is no key, a negated call with it would be undefined, not true.
image_admitted(image) if admitted(answer, key(image))

refusals contains refusal if {
	namespaced
	some image in refused
	refusal := refusal_of(answer, key(image), image)
}

refusals contains refusal if {
	not namespaced
	some image in refused
	refusal := {
		"image": image,
		"code": "NO_NAMESPACE",
		"message": "the request has no namespace, so no configuration is known",
		"remedy": "use this template for namespaced objects only",
	}
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
