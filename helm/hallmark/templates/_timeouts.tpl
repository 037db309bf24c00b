{{/* One number for each webhook. Ratify's name for it is understood where it says nothing else. */}}
{{- define "hallmark.webhookSeconds" -}}
{{- $own := int .own }}
{{- if not (kindIs "invalid" .ratify) }}
{{- if and (ne $own (int .default)) (ne $own (int .ratify)) }}
{{- fail (printf "provider.timeout.%s is %d and gatekeeper.%s is %d: keep gatekeeper.%s, the timeout of Gatekeeper's webhook" .ratifyName (int .ratify) .ownName $own .ownName) }}
{{- end }}
{{- $own = int .ratify }}
{{- end }}
{{- if or (lt $own 1) (gt $own 30) }}
{{- fail (printf "gatekeeper.%s is %d: a webhook's timeout is 1 to 30 seconds" .ownName $own) }}
{{- end }}
{{- $own }}
{{- end }}

{{- define "hallmark.verifySeconds" -}}
{{- include "hallmark.webhookSeconds" (dict "own" .Values.gatekeeper.validatingWebhookTimeoutSeconds "default" 3 "ownName" "validatingWebhookTimeoutSeconds" "ratify" ((.Values.provider).timeout).validationTimeoutSeconds "ratifyName" "validationTimeoutSeconds") }}
{{- end }}

{{- define "hallmark.mutateSeconds" -}}
{{- include "hallmark.webhookSeconds" (dict "own" .Values.gatekeeper.mutatingWebhookTimeoutSeconds "default" 1 "ownName" "mutatingWebhookTimeoutSeconds" "ratify" ((.Values.provider).timeout).mutationTimeoutSeconds "ratifyName" "mutationTimeoutSeconds") }}
{{- end }}
