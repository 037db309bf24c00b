# With: images, exemptions, messages
package hallmark.exemptions

import future.keywords.contains
import future.keywords.if
import future.keywords.in

violation contains result if {
	some image in images
	some exemption in exemptions_of_today(image)
	result := said(image, "EXEMPT", "until", exemption)
}

violation contains result if {
	some image in images
	not exempted(image)
	some exemption in exemptions_ended(image)
	result := said(image, "EXEMPTION_ENDED", "on", exemption)
}

said(image, code, word, exemption) := {
	"msg": sprintf("%v: %v: %v %v by %v: %v", [
		shortened(image, 80, 17),
		code,
		word,
		exemption.expires,
		shortened(exemption.owner, 40, 0),
		shortened(exemption.reason, 54, 0),
	]),
	"details": {"image": shortened(image, 1024, 0), "reason": code, "exemption": exemption},
}
