package notationnestedvalidation

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

# On every level one good signature: of the image, and of each artifact that has results below it.
violation[{"msg": msg}] {
	entry := answer.responses[_]
	not good(entry[1].verifierReports)
	msg := sprintf("%v has no good signature", [entry[0]])
}

violation[{"msg": msg}] {
	entry := answer.responses[_]
	report := entry[1].verifierReports[_]
	count(report.nestedResults) > 0
	not good(report.nestedResults)
	msg := sprintf("an artifact of %v has no good signature", [entry[0]])
}

good(reports) {
	reports[i].verifierName == "notation"
	reports[i].isSuccess == true
}
