{{/* Secrets and service accounts that may be read, by namespace: {NAMESPACE: {secrets: […], serviceAccounts: […]}}. */}}
{{- define "hallmark.readable" -}}
{{- $release := .Release.Namespace }}
{{- $secrets := list }}
{{- $accounts := list }}
{{- range .Values.secrets.readable }}
{{- $secrets = append $secrets (dict "namespace" (default $release .namespace) "name" .name) }}
{{- end }}
{{- range .Values.secrets.serviceAccounts }}
{{- $accounts = append $accounts (dict "namespace" (default $release .namespace) "name" .name) }}
{{- end }}
{{- with .Values.oras.authProviders }}
{{- if .k8secretsEnabled }}
{{- $accounts = append $accounts (dict "namespace" $release "name" (include "hallmark.serviceAccountName" $)) }}
{{- range .k8secrets }}
{{- $secrets = append $secrets (dict "namespace" (default $release .namespace) "name" .secretName) }}
{{- end }}
{{- range $.Values.imagePullSecrets }}
{{- $secrets = append $secrets (dict "namespace" $release "name" .name) }}
{{- end }}
{{- end }}
{{- end }}
{{- range .Values.stores }}
{{- if (.credential).secretName }}
{{- $secrets = append $secrets (dict "namespace" (default $release .credential.namespace) "name" .credential.secretName) }}
{{- end }}
{{- end }}
{{- if eq .Values.clientAuth.mode "secret" }}
{{- $name := splitList "/" .Values.clientAuth.secret }}
{{- if ne (len $name) 2 }}
{{- fail (printf "clientAuth.secret: %q is not NAMESPACE/NAME" .Values.clientAuth.secret) }}
{{- end }}
{{- $secrets = append $secrets (dict "namespace" (first $name) "name" (last $name)) }}
{{- end }}
{{- if eq (include "hallmark.certificateMode" .) "certManager" }}
{{- $secrets = append $secrets (dict "namespace" $release "name" (include "hallmark.certificateSecret" .)) }}
{{- end }}
{{- $namespaces := dict }}
{{- range $secrets }}
{{- $entry := get $namespaces .namespace | default (dict "secrets" list "serviceAccounts" list) }}
{{- $_ := set $entry "secrets" (append $entry.secrets .name | uniq | sortAlpha) }}
{{- $_ := set $namespaces .namespace $entry }}
{{- end }}
{{- range $accounts }}
{{- $entry := get $namespaces .namespace | default (dict "secrets" list "serviceAccounts" list) }}
{{- $_ := set $entry "serviceAccounts" (append $entry.serviceAccounts .name | uniq | sortAlpha) }}
{{- $_ := set $namespaces .namespace $entry }}
{{- end }}
{{- toYaml $namespaces }}
{{- end }}
