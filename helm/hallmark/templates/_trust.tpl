{{/* Certificates of values, each with the name of its KeyManagementProvider: [{index, provider, pem}]. */}}
{{- define "hallmark.anchors" -}}
{{- $name := include "hallmark.fullname" . }}
{{- $anchors := list }}
{{- if .Values.notationCert }}
{{- if .Values.notationCerts }}
{{- fail "notationCert: is Ratify's old name of notationCerts; move its certificate there" }}
{{- end }}
{{- $anchors = append $anchors (dict "index" 0 "provider" (printf "%s-notation-inline-cert" $name) "pem" .Values.notationCert) }}
{{- end }}
{{- range $index, $pem := .Values.notationCerts }}
{{- $anchors = append $anchors (dict "index" $index "provider" (printf "%s-notation-inline-cert-%d" $name $index) "pem" $pem) }}
{{- end }}
{{- toYaml $anchors }}
{{- end }}

{{/*
Parameters of the notation Verifier. A trust store named in values, ca:notationCerts[1], becomes a store of that
type with that one certificate. A trust policy that names none trusts all certificates, except those that another
names as a timestamp authority's.
*/}}
{{- define "hallmark.notation" -}}
{{- $anchors := include "hallmark.anchors" . | fromYamlArray }}
{{- $stores := dict }}
{{- $timestampers := list }}
{{- range .Values.notation.trustPolicies }}
{{- range .trustStores }}
{{- if hasPrefix "tsa:" . }}
{{- $timestampers = append $timestampers (regexFind "[0-9]+" .) }}
{{- end }}
{{- end }}
{{- end }}
{{- $policies := list }}
{{- range $policy := .Values.notation.trustPolicies }}
{{- $names := list }}
{{- range $store := $policy.trustStores }}
{{- if not (regexMatch "^(ca|signingAuthority|tsa):notationCerts\\[[0-9]+\\]$" $store) }}
{{- fail (printf "notation.trustPolicies: trust store %q is not ca:, signingAuthority: or tsa: with notationCerts[NUMBER]; for other key sources write the Verifier into trustResources" $store) }}
{{- end }}
{{- $type := splitList ":" $store | first }}
{{- $index := regexFind "[0-9]+" $store | int }}
{{- if ge $index (len $anchors) }}
{{- fail (printf "notation.trustPolicies: %s: notationCerts has %d certificates, counted from 0" $store (len $anchors)) }}
{{- end }}
{{- $name := printf "notation-cert-%d" $index }}
{{- $typed := get $stores $type | default dict }}
{{- $_ := set $typed $name (list (index $anchors $index).provider) }}
{{- $_ := set $stores $type $typed }}
{{- $names = append $names (printf "%s:%s" $type $name) }}
{{- end }}
{{- if not $policy.trustStores }}
{{- $all := list }}
{{- range $anchors }}
{{- if not (has (toString .index) $timestampers) }}
{{- $all = append $all .provider }}
{{- end }}
{{- end }}
{{- $typed := get $stores "ca" | default dict }}
{{- $_ := set $typed "certs" $all }}
{{- $_ := set $stores "ca" $typed }}
{{- $names = append $names "ca:certs" }}
{{- end }}
{{- $written := $policy.signatureVerification | default dict }}
{{- $level := coalesce $written.level $policy.level "strict" }}
{{- if and $policy.verificatonLevel (ne $policy.verificatonLevel $level) }}
{{- fail (printf "notation.trustPolicies: verificatonLevel: %s: Ratify's chart never read it and verified at level strict; write signatureVerification: {level: %s} for that level" $policy.verificatonLevel $policy.verificatonLevel) }}
{{- end }}
{{- $document := dict
  "name" $policy.name
  "registryScopes" $policy.registryScopes
  "signatureVerification" (merge (dict "level" $level) $written) }}
{{- if ne $level "skip" }}
{{- $document = merge $document (dict "trustStores" $names "trustedIdentities" $policy.trustedIdentities) }}
{{- end }}
{{- $policies = append $policies $document }}
{{- end }}
{{- toYaml (dict "verificationCertStores" $stores "trustPolicyDoc" (dict "version" "1.0" "trustPolicies" $policies)) }}
{{- end }}
