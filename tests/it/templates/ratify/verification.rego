package ratifyverification

lists := ["containers", "initContainers", "ephemeralContainers"]

keys := [key | image := input.review.object.spec[lists[_]][_].image; key := image]

answer := external_data({"provider": "ratify-provider", "keys": keys})

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
	entry[1].isSuccess == false
	msg := sprintf("%v is not admitted, decided %v, trace %v", [entry[0], entry[1].timestamp, entry[1].traceID])
}
