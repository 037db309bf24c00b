package notationvalidation

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

# At least one report of notation's that has succeeded.
violation[{"msg": msg}] {
	entry := answer.responses[_]
	not notation(entry[1].verifierReports)
	msg := sprintf("%v has no good signature of notation", [entry[0]])
}

notation(reports) {
	reports[i].name == "notation"
	reports[i].isSuccess == true
}
