{{/* own, certManager or provided; Ratify's provider.tls with a certificate is the last. */}}
{{- define "hallmark.certificateMode" -}}
{{- $tls := (.Values.provider).tls | default dict }}
{{- if and $tls.crt (eq .Values.certificates.mode "own") }}provided{{ else }}{{ .Values.certificates.mode }}{{ end }}
{{- end }}

{{/* The Secret that holds the serving pair; empty where Hallmark makes its own. */}}
{{- define "hallmark.certificateSecret" -}}
{{- $mode := include "hallmark.certificateMode" . }}
{{- if eq $mode "certManager" }}
{{- include "hallmark.fullname" . }}-tls
{{- else if eq $mode "provided" }}
{{- if ((.Values.provider).tls).crt }}
{{- include "hallmark.fullname" . }}-tls
{{- else }}
{{- required "certificates.provided.secret: name the Secret that holds tls.crt and tls.key" .Values.certificates.provided.secret }}
{{- end }}
{{- end }}
{{- end }}

{{/* The bundle of Provider objects that the chart makes itself: base64 of PEM on one line. */}}
{{- define "hallmark.caBundle" -}}
{{- $tls := (.Values.provider).tls | default dict }}
{{- $bundle := coalesce .Values.certificates.provided.caBundle $tls.cabundle $tls.caCert }}
{{- $bundle = required "certificates.provided.caBundle: give the authorities that the certificate chains to; Gatekeeper refuses a Provider without them" $bundle | trim }}
{{- if not (hasPrefix "-----BEGIN" $bundle) }}
{{- $bundle = $bundle | nospace | b64dec }}
{{- end }}
{{- if not (contains "-----BEGIN CERTIFICATE-----" $bundle) }}
{{- fail "certificates.provided.caBundle: is neither PEM certificates nor base64 of them" }}
{{- end }}
{{- $bundle | b64enc }}
{{- end }}
