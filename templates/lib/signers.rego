package hallmark

import future.keywords.if
import future.keywords.in

# Whose signatures an answer names: `parameters.signers`, a list of signers by subject, issuer and fingerprint.
# A signer is one whose signature has everything that the entry names.

signer_fields := ["subject", "issuer", "fingerprint"]

# The positions in the list that signatures of an image fill. Each signature fills the first entry that it
# matches and no other, so that one signature never counts for two signers.
signers_found(answer, key) := {position |
	some signature in valid_signatures(answer, key)
	position := min(signer_positions(signature.signer))
}

# Whether every signature was looked at, and whether each of them is described.
all_looked_at(answer, key) if positive(answer, key).evidence == "all"

all_described(answer, key) if positive(answer, key).signaturesOmitted == 0

# A verified image whose signers are not those that are required.
signer_refusal(answer, key, code, remedy) := {
	"image": key,
	"digest": digest_of(answer, key),
	"code": code,
	"message": sprintf("signed by %v", [signer_names(answer, key)]),
	"remedy": remedy,
}

# The subjects of the signatures that count, for people.
signer_names(answer, key) := concat(" and ", list) if {
	list := signer_subjects(answer, key)
	count(list) > 0
}

signer_names(answer, key) := "nobody whose name was authenticated" if count(signer_subjects(answer, key)) == 0

# The required signers that are not found, for people.
signers_missing(answer, key) := concat(" or ", [sprintf("%v", [name]) |
	some position, entry in signers_listed
	not position in signers_found(answer, key)
	name := [entry[field] | some field in signer_fields][0]
])

signer_subjects(answer, key) := [subject |
	some signature in valid_signatures(answer, key)
	subject := signature.signer.subject
	is_string(subject)
]

# The signatures that count. A verdict of notRequired stands for none.
valid_signatures(answer, key) := [signature |
	value := positive(answer, key)
	value.verdict == "verified"
	is_array(value.signatures)
	some signature in value.signatures
	signature.result == "valid"
]

signer_positions(signer) := [position |
	some position, entry in signers_listed
	signer_matches(entry, signer)
]

signers_listed := [entry |
	is_array(input.parameters.signers)
	some entry in input.parameters.signers
]

# Every field that the entry names is the signer's; an entry that names none is nobody.
signer_matches(entry, signer) if {
	count([field | some field in signer_fields; is_string(entry[field])]) > 0
	count([field | some field in signer_fields; signer_differs(entry, signer, field)]) == 0
}

signer_differs(entry, signer, field) if {
	named := entry[field]
	not signer_same(field, named, signer)
}

signer_same(field, named, signer) if {
	field != "fingerprint"
	signer[field] == named
}

# As openssl and notation print it: in capitals, with colons.
signer_same("fingerprint", named, signer) if signer.fingerprint == lower(replace(named, ":", ""))
