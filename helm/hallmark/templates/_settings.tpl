{{/* The process settings: what other values say, and over it what `settings` says. */}}
{{- define "hallmark.settings" -}}
{{- $name := include "hallmark.fullname" . }}
{{- $url := include "hallmark.url" . }}
{{- $mode := include "hallmark.certificateMode" . }}
{{- $gatekeeper := dict
  "webhook" .Values.gatekeeper.validatingWebhook
  "mutating_webhook" .Values.gatekeeper.mutatingWebhook
  "client_ca" .Values.clientAuth.mode }}
{{- $settings := dict
  "listen" (printf "0.0.0.0:%d" (int .Values.server.port))
  "health_listen" (printf "0.0.0.0:%d" (int .Values.healthPort))
  "state_dir" "/var/lib/hallmark"
  "log" (dict "format" .Values.logger.formatter "level" (include "hallmark.logLevel" .))
  "timeouts" (dict
    "verify" (printf "%dms" (sub (mul (include "hallmark.verifySeconds" . | int) 1000) 500))
    "mutate" (printf "%dms" (sub (mul (include "hallmark.mutateSeconds" . | int) 1000) 200))
    "drain" (printf "%ds" (int .Values.drainSeconds)))
  "kubernetes" (dict
    "enabled" true
    "namespace" .Release.Namespace
    "name" $name
    "namespaced_resources" .Values.namespacedResources)
  "gatekeeper" $gatekeeper }}
{{- if eq $mode "provided" }}
{{- $_ := set $settings "cert_dir" "/etc/hallmark/tls" }}
{{- else }}
{{- $_ := set $gatekeeper "url" $url }}
{{- $_ := set $gatekeeper "owner" $name }}
{{- $_ := set $gatekeeper "adopt" .Values.adoptProviders }}
{{- $_ := set $gatekeeper "providers" (include "hallmark.providers" . | fromYamlArray) }}
{{- if eq $mode "certManager" }}
{{- $_ := set $settings "cert_dir" "/etc/hallmark/tls" }}
{{- $_ := set $gatekeeper "ca" "secret" }}
{{- $_ := set $gatekeeper "ca_secret" (include "hallmark.certificateSecret" .) }}
{{- else }}
{{- $_ := set $gatekeeper "ca" "own" }}
{{- $host := (urlParse $url).hostname }}
{{- $service := printf "%s.%s" $name .Release.Namespace }}
{{- $_ := set $settings "tls_san" (list $service (printf "%s.svc" $service) (printf "%s.svc.cluster.local" $service) $host | uniq) }}
{{- end }}
{{- end }}
{{- if ne .Values.clientAuth.mode "none" }}
{{- $_ := set $settings "client_san" (default (list (printf "gatekeeper-webhook-service.%s.svc" (include "hallmark.gatekeeperNamespace" .))) .Values.clientAuth.sans) }}
{{- end }}
{{- if eq .Values.clientAuth.mode "secret" }}
{{- $_ := set $gatekeeper "client_ca_secret" (required "clientAuth.secret: name the Secret, NAMESPACE/NAME" .Values.clientAuth.secret) }}
{{- else if eq .Values.clientAuth.mode "file" }}
{{- $_ := set $settings "client_ca" (required "clientAuth.file: name the file" .Values.clientAuth.file) }}
{{- end }}
{{- mergeOverwrite $settings (deepCopy .Values.settings) | toYaml }}
{{- end }}

{{/* Ratify's levels by Hallmark's names. */}}
{{- define "hallmark.logLevel" -}}
{{- $level := lower .Values.logger.level }}
{{- get (dict "warning" "warn" "fatal" "error" "panic" "error") $level | default $level }}
{{- end }}
