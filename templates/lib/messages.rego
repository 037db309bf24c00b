package hallmark

import future.keywords.if
import future.keywords.in

# Violations as people read them: image, code and remedy in fewer than 256 bytes, which is where Gatekeeper's
# audit cuts; the rest is in `details`.

# A violation of a refusal {image, code, message, remedy} and perhaps digest. Its texts come from objects and
# from the provider; whatever they are, this is defined.
described(refusal) := {
	"msg": sprintf("%v: %v: %v", [
		shortened(refusal.image, 80, 17),
		shortened(refusal.code, 24, 0),
		shortened(remedy_of(refusal), 118, 0),
	]),
	"details": {
		"image": shortened(refusal.image, 1024, 0),
		"digest": shortened(object.get(refusal, "digest", ""), 140, 0),
		"reason": shortened(refusal.code, 64, 0),
		"message": shortened(refusal.message, 1024, 0),
		"remediation": shortened(refusal.remedy, 1024, 0),
		"exemptionsEnded": exemptions_ended(refusal.image),
	},
}

# An exemption that has ended is the first thing to know about a refused image.
remedy_of(refusal) := sprintf("%v; %v", [exemption_text(exemptions_ended(refusal.image)[0]), advice(refusal)]) if count(exemptions_ended(refusal.image)) > 0

remedy_of(refusal) := advice(refusal) if count(exemptions_ended(refusal.image)) == 0

advice(refusal) := refusal.message if refusal.remedy == ""

advice(refusal) := refusal.remedy if not refusal.remedy == ""

exemption_text(exemption) := sprintf("exemption ended %v (%v: %v)", [
	exemption.expires,
	shortened(exemption.owner, 27, 0),
	shortened(exemption.reason, 27, 0),
])

# A text in printable ASCII, so that characters are bytes: `head` of it, and its last `tail` where it is longer.
shortened(value, head, tail) := text if {
	text := printable(value)
	count(text) <= (head + 3) + tail
}

shortened(value, head, tail) := concat("...", [substring(text, 0, head), substring(text, count(text) - tail, tail)]) if {
	text := printable(value)
	count(text) > (head + 3) + tail
}

printable(value) := regex.replace(sprintf("%v", [value]), `[^ -~]+`, "?")
