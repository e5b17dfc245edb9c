{{/* Helpers take a dict: root is the chart's context, component the name as in the labels, values that component's values. */}}

{{- define "labels" -}}
tier: airflow
component: {{ .component }}
release: {{ .root.Release.Name }}
{{- end }}

{{- define "metadata" -}}
name: {{ .root.Release.Name }}-{{ .name | default .component }}
labels:
  {{- include "labels" . | nindent 2 }}
  chart: "{{ .root.Chart.Name }}-{{ .root.Chart.Version }}"
  heritage: {{ .root.Release.Service }}
  {{- with .root.Values.labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "serviceAccount" -}}
{{- if .values.serviceAccount.create -}}
{{ .values.serviceAccount.name | default (printf "%s-airflow-%s" .root.Release.Name .component) }}
{{- else -}}
{{ .values.serviceAccount.name | default "default" }}
{{- end -}}
{{- end }}

{{- define "image" -}}
{{ .Values.images.airflow.repository | default .Values.defaultAirflowRepository }}:{{ .Values.images.airflow.tag | default .Values.defaultAirflowTag }}
{{- end }}

{{- define "celery" -}}
{{- if or (eq .Values.executor "CeleryExecutor") (eq .Values.executor "CeleryKubernetesExecutor") }}yes{{ end -}}
{{- end }}

{{- define "podExecutor" -}}
{{- if hasSuffix "KubernetesExecutor" .Values.executor }}yes{{ end -}}
{{- end }}

{{- define "local" -}}
{{- if hasPrefix "Local" .Values.executor }}yes{{ end -}}
{{- end }}

{{- define "metadataSecret" }}{{ .Values.data.metadataSecretName | default (printf "%s-airflow-metadata" .Release.Name) }}{{ end }}
{{- define "resultBackendSecret" }}{{ .Values.data.resultBackendSecretName | default (printf "%s-airflow-result-backend" .Release.Name) }}{{ end }}
{{- define "brokerSecret" }}{{ .Values.data.brokerUrlSecretName | default (printf "%s-broker-url" .Release.Name) }}{{ end }}
{{- define "redisSecret" }}{{ .Values.redis.passwordSecretName | default (printf "%s-redis-password" .Release.Name) }}{{ end }}
{{- define "fernetSecret" }}{{ .Values.fernetKeySecretName | default (printf "%s-fernet-key" .Release.Name) }}{{ end }}
{{- define "webserverSecret" }}{{ .Values.webserverSecretKeySecretName | default (printf "%s-webserver-secret-key" .Release.Name) }}{{ end }}
{{- define "configMap" }}{{ .Release.Name }}-airflow-config{{ end }}
{{- define "dagsClaim" }}{{ .Values.dags.persistence.existingClaim | default (printf "%s-dags" .Release.Name) }}{{ end }}
{{- define "logsClaim" }}{{ .Values.logs.persistence.existingClaim | default (printf "%s-logs" .Release.Name) }}{{ end }}

{{/* A path in base_url moves the probes too: Airflow answers below that path only. */}}
{{- define "baseUrlPath" -}}
{{- $url := tpl (((.Values.config.webserver | default dict).base_url) | default "") . -}}
{{- with $url }}{{ (urlParse .).path | trimSuffix "/" }}{{ end -}}
{{- end }}

{{- define "postgresLabels" -}}
app.kubernetes.io/name: postgresql
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
