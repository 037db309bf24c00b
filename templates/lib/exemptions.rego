package hallmark

import future.keywords.if
import future.keywords.in

# Images that need no verification until a date: `parameters.exemptions`, each with image, owner, reason and
# expires (YYYY-MM-DD, the last day, UTC). What is incomplete or malformed exempts nothing.

day_in_nanoseconds := 86400000000000

exemptions_listed := [exemption |
	is_array(input.parameters.exemptions)
	some exemption in input.parameters.exemptions
]

# Whether an image needs no verification today.
exempted(image) if {
	some exemption in exemptions_listed
	exemption_covers(exemption, image)
	exemption_current(exemption)
}

# The exemptions that cover an image: those of today, and those that have ended.
exemptions_of_today(image) := [exemption |
	some exemption in exemptions_listed
	exemption_covers(exemption, image)
	exemption_current(exemption)
]

exemptions_ended(image) := [exemption |
	some exemption in exemptions_listed
	exemption_covers(exemption, image)
	not exemption_current(exemption)
]

exemption_covers(exemption, image) if {
	exemption_complete(exemption)
	exemption.image == image
}

# A star stands at the end, after a `/`, `:` or `@` behind the registry's name: `registry.example*` would cover
# registry.example.attacker.example too.
exemption_covers(exemption, image) if {
	exemption_complete(exemption)
	regex.match(`^[^*\[/]+/([^*\[]*[/:@])?\*$`, exemption.image)
	startswith(image, trim_suffix(exemption.image, "*"))
}

exemption_complete(exemption) if {
	is_string(exemption.image)
	regex.match(`\S`, exemption.owner)
	regex.match(`\S`, exemption.reason)
	is_string(exemption.expires)
}

# A date that is none is a builtin's error, so undefined: the exemption is not current.
exemption_current(exemption) if {
	midnight := time.parse_rfc3339_ns(sprintf("%vT00:00:00Z", [exemption.expires]))
	time.now_ns() < midnight + day_in_nanoseconds
}
