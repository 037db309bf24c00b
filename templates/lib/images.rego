package hallmark

import future.keywords.contains
import future.keywords.if
import future.keywords.in

# Which images an object under review brings into the cluster.

container_lists := ["containers", "initContainers", "ephemeralContainers"]

# Kinds that always have a container: finding none means that this text reads them wrongly.
pod_kinds := {
	"Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob",
}

# Every image of the object once, where it can be asked about at all.
images contains image if {
	not settled
	some entry in entries_found
	image := entry.image
	well_formed(image)
}

# What is wrong with the object itself, before anybody is asked.
object_refusals contains refusal if {
	not settled
	some entry in entries_found
	entry.image == ""
	refusal := {
		"image": entry.place,
		"code": "IMAGE_MISSING",
		"message": "the field is missing, empty or no text",
		"remedy": "name an image",
	}
}

# The prefix [namespace] selects a namespace's configuration, so it must never come from the object.
object_refusals contains refusal if {
	not settled
	some entry in entries_found
	startswith(entry.image, "[")
	refusal := {
		"image": entry.image,
		"code": "IMAGE_WITH_NAMESPACE",
		"message": "an image does not begin with [",
		"remedy": "name the image without a [namespace]",
	}
}

object_refusals contains refusal if {
	not settled
	input.review.kind.kind in pod_kinds
	count(entries_found) == 0
	refusal := {
		"image": input.review.kind.kind,
		"code": "NO_CONTAINERS",
		"message": "no container was found in the object",
		"remedy": "correct the object: its pod spec lists no containers",
	}
}

well_formed(image) if {
	image != ""
	not startswith(image, "[")
}

# What is deleted brings nothing in.
settled if input.review.operation == "DELETE"

# Nor does an update that leaves every image as it was: a controller that removes a finalizer or scales down
# must not be held up by a policy that came later. New Pods are asked about when they are created.
settled if {
	input.review.operation == "UPDATE"
	count(entries_found) > 0
	entries_found == entries(input.review.oldObject)
}

entries_found := entries(input.review.object)

# A Pod, a workload with a pod template, a CronJob. What is absent is an empty list, never undefined.
entries(resource) := array.concat(
	[entry | some entry in entries_of(resource.spec)],
	array.concat(
		[entry | some entry in entries_of(resource.spec.template.spec)],
		[entry | some entry in entries_of(resource.spec.jobTemplate.spec.template.spec)],
	),
)

entries_of(spec) := array.concat(
	[entry |
		some list in container_lists
		is_array(spec[list])
		some container in spec[list]
		entry := {"place": sprintf("%v %v", [list, name_of(container)]), "image": text_at(container, "image")}
	],
	[entry |
		is_array(spec.volumes)
		some volume in spec.volumes
		source := volume.image
		entry := {"place": sprintf("volumes %v", [name_of(volume)]), "image": text_at(source, "reference")}
	],
)

name_of(part) := text_at(part, "name")

text_at(holder, field) := holder[field] if has_text(holder, field)

text_at(holder, field) := "" if not has_text(holder, field)

# A function of its own: OPA looks up the argument of a negated call outside of the negation, so that
# `not is_string(holder[field])` is undefined, not true, where the field is missing.
has_text(holder, field) if is_string(holder[field])
