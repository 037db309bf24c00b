{{/* The Provider objects by name: path, and the timeout in whole seconds. */}}
{{- define "hallmark.providers" -}}
{{- $verify := include "hallmark.verifySeconds" . | int }}
{{- $mutate := include "hallmark.mutateSeconds" . | int }}
{{- $list := list
  (dict "name" "hallmark" "path" "/verify" "timeout_seconds" $verify)
  (dict "name" "hallmark-mutation" "path" "/mutate" "timeout_seconds" $mutate) }}
{{- if .Values.compatibility.ratifyV1 }}
{{- $list = concat $list (list
  (dict "name" "ratify-provider" "path" "/ratify/gatekeeper/v1/verify" "timeout_seconds" $verify)
  (dict "name" "ratify-mutation-provider" "path" "/ratify/gatekeeper/v1/mutate" "timeout_seconds" $mutate)) }}
{{- end }}
{{- if .Values.compatibility.ratifyV2 }}
{{- $list = concat $list (list
  (dict "name" "ratify-gatekeeper-provider" "path" "/ratify/gatekeeper/v2/verify" "timeout_seconds" $verify)
  (dict "name" "ratify-gatekeeper-mutation-provider" "path" "/ratify/gatekeeper/v2/mutate" "timeout_seconds" $mutate)) }}
{{- end }}
{{- toYaml $list }}
{{- end }}

{{/* Namespaces whose objects are not mutated: a provider that is away must not keep itself or Gatekeeper away. */}}
{{- define "hallmark.mutationExcludedNamespaces" -}}
{{- $own := list (include "hallmark.gatekeeperNamespace" .) .Release.Namespace }}
{{- concat $own .Values.mutation.excludedNamespaces ((.Values.provider).mutationExcludedNamespaces | default list) | uniq | sortAlpha | toYaml }}
{{- end }}

{{- define "hallmark.mutationEnabled" -}}
{{- $provider := .Values.provider | default dict }}
{{- if and .Values.mutation.enabled (ne (toString $provider.enableMutation) "false") (not $provider.disableMutation) }}true{{ end }}
{{- end }}
