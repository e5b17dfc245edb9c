{{- define "fromSecret" }}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret }}
      key: {{ .key }}
{{- end }}

{{/* What every Airflow container gets of the chart's own, unless enableBuiltInSecretEnvVars says no. */}}
{{- define "builtInEnvironment" }}
{{- $on := .Values.enableBuiltInSecretEnvVars }}
{{- if $on.AIRFLOW__CORE__FERNET_KEY }}
{{- include "fromSecret" (dict "name" "AIRFLOW__CORE__FERNET_KEY" "secret" (include "fernetSecret" .) "key" "fernet-key") }}
{{- end }}
{{- range $name := list "AIRFLOW__CORE__SQL_ALCHEMY_CONN" "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN" "AIRFLOW_CONN_AIRFLOW_DB" }}
{{- if get $on $name }}
{{- include "fromSecret" (dict "name" $name "secret" (include "metadataSecret" $) "key" "connection") }}
{{- end }}
{{- end }}
{{- if $on.AIRFLOW__WEBSERVER__SECRET_KEY }}
{{- include "fromSecret" (dict "name" "AIRFLOW__WEBSERVER__SECRET_KEY" "secret" (include "webserverSecret" .) "key" "webserver-secret-key") }}
{{- end }}
{{- if include "celery" . }}
{{- if and $on.AIRFLOW__CELERY__RESULT_BACKEND (or .Values.data.resultBackendSecretName .Values.data.resultBackendConnection) }}
{{- include "fromSecret" (dict "name" "AIRFLOW__CELERY__RESULT_BACKEND" "secret" (include "resultBackendSecret" .) "key" "connection") }}
{{- end }}
{{- if $on.AIRFLOW__CELERY__BROKER_URL }}
{{- include "fromSecret" (dict "name" "AIRFLOW__CELERY__BROKER_URL" "secret" (include "brokerSecret" .) "key" "connection") }}
{{- end }}
{{- end }}
{{- end }}

{{/* What the person adds: env, secret, extraEnv. Task pods are told of the first two through the executor's own names. */}}
{{- define "customEnvironment" }}
{{- range .Values.env }}
- name: {{ .name }}
  value: {{ .value | quote }}
{{- if include "podExecutor" $ }}
- name: AIRFLOW__KUBERNETES_ENVIRONMENT_VARIABLES__{{ .name }}
  value: {{ .value | quote }}
{{- end }}
{{- end }}
{{- range .Values.secret }}
{{- include "fromSecret" (dict "name" .envName "secret" .secretName "key" (.secretKey | default "value")) }}
{{- if include "podExecutor" $ }}
- name: AIRFLOW__KUBERNETES_SECRETS__{{ .envName }}
  value: {{ printf "%s=%s" .secretName (.secretKey | default "value") }}
{{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{- tpl . $ | nindent 0 }}
{{- end }}
{{- end }}

{{/* One Airflow container's environment: env. root, values (for its own env), applyCustomEnv. */}}
{{- define "environment" -}}
{{- with .root.Values.extraEnvFrom }}
envFrom:
  {{- tpl . $.root | nindent 2 }}
{{- end }}
env:
  {{- if ne (toString .applyCustomEnv) "false" }}
  {{- include "customEnvironment" .root | indent 2 }}
  {{- end }}
  {{- include "builtInEnvironment" .root | indent 2 }}
  {{- with .values.env }}
  {{- tpl (toYaml .) $.root | nindent 2 }}
  {{- end }}
{{- end }}
