package ratifyverification

lists := ["containers", "initContainers", "ephemeralContainers"]

keys := [key | image := input.review.object.spec[lists[_]][_].image; key := sprintf("[%v]%v", [input.review.object.metadata.namespace, image])]

answer := external_data({"provider": "ratify-gatekeeper-provider", "keys": keys})

violation[{"msg": msg}] {
	answer.system_error != ""
	msg := sprintf("system error: %v", [answer.system_error])
}

violation[{"msg": msg}] {
	count(answer.errors) > 0
	msg := sprintf("errors: %v", [answer.errors])
}

violation[{"msg": msg}] {
	entry := answer.responses[_]
	entry[1].succeeded == false
	msg := sprintf("%v is not admitted", [entry[0]])
}
