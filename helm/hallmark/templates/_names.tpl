{{- define "hallmark.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Names the Deployment, Service, Lease, ConfigMap and, unless told otherwise, the service account. */}}
{{- define "hallmark.fullname" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "hallmark.selectorLabels" -}}
app.kubernetes.io/name: {{ include "hallmark.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "hallmark.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "hallmark.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "hallmark.serviceAccountName" -}}
{{- default (include "hallmark.fullname" .) .Values.serviceAccount.name }}
{{- end }}

{{- define "hallmark.image" -}}
{{- $repository := required "image.repository: name where your registry holds Hallmark's image; none is published yet, `make image` builds it" .Values.image.repository }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{/* The namespace that Gatekeeper runs in; Ratify's values file has it without a value. */}}
{{- define "hallmark.gatekeeperNamespace" -}}
{{- default "gatekeeper-system" .Values.gatekeeper.namespace }}
{{- end }}

{{- define "hallmark.url" -}}
{{- default (printf "https://%s.%s:%d" (include "hallmark.fullname" .) .Release.Namespace (int .Values.server.port)) .Values.server.url | trimSuffix "/" }}
{{- end }}
