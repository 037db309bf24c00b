package hallmark

import future.keywords.if
import future.keywords.in

# Reading the provider's answer. Nothing is admitted for want of an error: an image is admitted by one positive
# verdict about its own key, and an object only by an answer that reports no failure.

# Whether the image under `key` is admitted: it is verified, or its trust policy asks for no signature.
admitted(answer, key) if positive(answer, key).verdict in {"verified", "notRequired"}

# The value of a key about which the answer is positive.
positive(answer, key) := value if {
	count(errors_of(answer, key)) == 0
	found := values_of(answer, key)
	count(found) == 1
	value := found[0]
	value.isSuccess == true
}

# Whether the answer as a whole reports no failure. It may, beside positive verdicts about every key.
sound(answer) if {
	answer.system_error == ""

	# Gatekeeper says 0 where all came from its cache.
	answer.status_code in {0, 200}
}

# Why an object is not admitted though every key has a positive verdict.
refusal_of_answer(answer, keys) := object.union({"image": concat(", ", keys)}, array.concat(broken_reasons(answer), unanswered_reasons)[0])

# Why an image is not admitted: the first reason that is found. There is always one.
refusal_of(answer, key, image) := object.union({"image": image, "digest": digest_of(answer, key)}, reasons(answer, key)[0])

reasons(answer, key) := array.concat(
	refused_reasons(answer, key),
	array.concat(error_reasons(answer, key), array.concat(undecided_reasons(answer, key), array.concat(broken_reasons(answer), unanswered_reasons))),
)

# The provider decided, and says why.
refused_reasons(answer, key) := [reason |
	some value in values_of(answer, key)
	not succeeded(value)
	reason := {
		"code": value.reason.code,
		"message": value.reason.message,
		"remedy": value.reason.remediation,
	}
]

# The key is no image reference, or another error; only its code is taken from the text, never its meaning.
error_reasons(answer, key) := [reason |
	some error in errors_of(answer, key)
	reason := {"code": code_of(error), "message": error, "remedy": error}
]

# The provider could not find out: `CODE key; CODE key; … +N more`.
undecided_reasons(answer, key) := [reason |
	some part in split(answer.system_error, "; ")
	endswith(part, concat("", [" ", key]))
	reason := {
		"code": code_of(part),
		"message": part,
		"remedy": "could not be decided now: try again; the provider's log and status say more",
	}
]

# The provider was not reached, or its answer is not one.
broken_reasons(answer) := [reason |
	not quiet(answer)
	text := answer.system_error
	reason := {"code": code_of(text), "message": text, "remedy": sprintf("no verdict: %v", [text])}
]

unanswered_reasons := [{
	"code": "NO_VERDICT",
	"message": "the provider's answer holds no positive verdict about this image",
	"remedy": "no verdict in the provider's answer: try again; the provider's log says more",
}]

succeeded(value) if value.isSuccess == true

quiet(answer) if answer.system_error == ""

values_of(answer, key) := [value |
	is_array(answer.responses)
	some entry in answer.responses
	entry[0] == key
	value := entry[1]
]

errors_of(answer, key) := [error |
	is_array(answer.errors)
	some entry in answer.errors
	entry[0] == key
	error := entry[1]
]

code_of(text) := split(text, " ")[0] if regex.match(`^[A-Z][A-Z_]+ `, text)

code_of(text) := split(text, ":")[0] if regex.match(`^[A-Z][A-Z_]+:`, text)

code_of(text) := "NO_VERDICT" if not regex.match(`^[A-Z][A-Z_]+[ :]`, text)

digest_of(answer, key) := concat("", [text |
	some value in values_of(answer, key)
	text := value.digest
	is_string(text)
])
