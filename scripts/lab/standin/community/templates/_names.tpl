{{/* Helpers take a dict: root is the chart's context, component the name as in the labels. */}}

{{- define "labels" -}}
app: {{ .root.Chart.Name }}
{{- with .component }}
component: {{ . }}
{{- end }}
release: {{ .root.Release.Name }}
{{- end }}

{{/* name where an object is called otherwise than its component. */}}
{{- define "metadata" -}}
name: {{ .root.Release.Name }}{{ with .name | default .component }}-{{ . }}{{ end }}
labels:
  {{- include "labels" . | nindent 2 }}
  chart: "{{ .root.Chart.Name }}-{{ .root.Chart.Version }}"
  heritage: {{ .root.Release.Service }}
{{- end }}

{{/* Of the databases, which the community chart takes from Bitnami's charts of 2020. */}}
{{- define "subchartLabels" -}}
app: {{ .app }}
release: {{ .root.Release.Name }}
{{- end }}

{{- define "serviceAccount" -}}
{{ .Values.serviceAccount.name | default (ternary .Release.Name "default" .Values.serviceAccount.create) }}
{{- end }}

{{- define "celery" }}{{ if hasPrefix "Celery" .Values.airflow.executor }}yes{{ end }}{{ end }}
{{- define "podExecutor" }}{{ if hasSuffix "KubernetesExecutor" .Values.airflow.executor }}yes{{ end }}{{ end }}
{{- define "pooled" }}{{ if and .Values.pgbouncer.enabled (or .Values.postgresql.enabled (eq .Values.externalDatabase.type "postgres")) }}yes{{ end }}{{ end }}

{{- define "configSecret" }}{{ .Release.Name }}-config-envs{{ end }}
{{- define "postgresql" }}{{ .Release.Name }}-postgresql{{ end }}
{{- define "redis" }}{{ .Release.Name }}-redis{{ end }}

{{- define "address" -}}
{{ .name }}.{{ .root.Release.Namespace }}.svc.{{ .root.Values.airflow.clusterDomain }}
{{- end }}

{{- define "databaseServer" -}}
{{- if .Values.postgresql.enabled -}}
host={{ include "address" (dict "root" . "name" (include "postgresql" .)) }} port=5432
{{- else -}}
host={{ .Values.externalDatabase.host }} port={{ .Values.externalDatabase.port }}
{{- end -}}
{{- end }}
