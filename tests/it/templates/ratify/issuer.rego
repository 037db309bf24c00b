package notationissuervalidation

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
	msg := sprintf("%v is not admitted", [entry[0]])
}

# One report that names the issuer must be there, and have succeeded.
violation[{"msg": msg}] {
	entry := answer.responses[_]
	not by_issuer(entry[1].verifierReports)
	msg := sprintf("%v is not signed by %v", [entry[0], input.parameters.issuer])
}

by_issuer(reports) {
	report := reports[_]
	report.extensions.Issuer == input.parameters.issuer
	report.isSuccess == true
}
