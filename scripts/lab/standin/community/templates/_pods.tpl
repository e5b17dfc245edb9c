{{/* Helpers take a dict: root is the chart's context, component the name as in the labels, values that component's values. */}}

{{- define "fromSecret" }}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret }}
      key: {{ .key }}
{{- end }}

{{/* Settings from the chart's one Secret, passwords from where the values name them, a person's own last. */}}
{{- define "environment" -}}
{{- $v := .root.Values -}}
envFrom:
  - secretRef:
      name: {{ include "configSecret" .root }}
env:
  {{- if $v.postgresql.enabled }}
  - name: DATABASE_USER
    value: {{ $v.postgresql.postgresqlUsername | quote }}
  {{- include "fromSecret" (dict "name" "DATABASE_PASSWORD" "secret" ($v.postgresql.existingSecret | default (include "postgresql" .root)) "key" (ternary $v.postgresql.existingSecretKey "postgresql-password" (ne $v.postgresql.existingSecret ""))) | indent 2 }}
  {{- else }}
  {{- with $v.externalDatabase.userSecret }}
  {{- include "fromSecret" (dict "name" "DATABASE_USER" "secret" . "key" $v.externalDatabase.userSecretKey) | indent 2 }}
  {{- end }}
  {{- with $v.externalDatabase.passwordSecret }}
  {{- include "fromSecret" (dict "name" "DATABASE_PASSWORD" "secret" . "key" $v.externalDatabase.passwordSecretKey) | indent 2 }}
  {{- end }}
  {{- end }}
  {{- if $v.redis.enabled }}
  {{- include "fromSecret" (dict "name" "REDIS_PASSWORD" "secret" ($v.redis.existingSecret | default (include "redis" .root)) "key" (ternary $v.redis.existingSecretPasswordKey "redis-password" (ne $v.redis.existingSecret ""))) | indent 2 }}
  {{- else if $v.externalRedis.passwordSecret }}
  {{- include "fromSecret" (dict "name" "REDIS_PASSWORD" "secret" $v.externalRedis.passwordSecret "key" $v.externalRedis.passwordSecretKey) | indent 2 }}
  {{- end }}
  # Its own containers wait for the database; the image's entrypoint need not, except in a task's pod.
  - name: CONNECTION_CHECK_MAX_COUNT
    value: {{ .checks | default "0" | quote }}
  {{- with $v.airflow.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "airflowImage" -}}
{{- with .Values.airflow.image -}}
image: {{ .repository }}:{{ .tag }}
imagePullPolicy: {{ .pullPolicy }}
securityContext:
  runAsUser: {{ .uid }}
  runAsGroup: {{ .gid }}
{{- end }}
{{- end }}

{{- define "mounts" -}}
{{- if .Values.dags.persistence.enabled }}
- name: dags-data
  mountPath: {{ .Values.dags.path }}
  subPath: {{ .Values.dags.persistence.subPath }}
  readOnly: {{ eq .Values.dags.persistence.accessMode "ReadOnlyMany" }}
{{- end }}
- name: logs-data
  mountPath: {{ .Values.logs.path }}
{{- with .Values.airflow.extraVolumeMounts }}
{{- toYaml . | nindent 0 }}
{{- end }}
{{- end }}

{{- define "volumes" -}}
{{- if .Values.dags.persistence.enabled }}
- name: dags-data
  persistentVolumeClaim:
    claimName: {{ .Values.dags.persistence.existingClaim | default (printf "%s-dags" .Release.Name) }}
{{- end }}
- name: logs-data
  {{- if .Values.logs.persistence.enabled }}
  persistentVolumeClaim:
    claimName: {{ .Values.logs.persistence.existingClaim | default (printf "%s-logs" .Release.Name) }}
  {{- else }}
  emptyDir: {}
  {{- end }}
{{- with .Values.airflow.extraVolumes }}
{{- toYaml . | nindent 0 }}
{{- end }}
{{- end }}

{{/* An Airflow container; name, args (words) and mounts (further ones). */}}
{{- define "airflow" -}}
- name: {{ .name }}
  {{- include "airflowImage" .root | nindent 2 }}
  command: [/usr/bin/dumb-init, --, /entrypoint]
  args:
    {{- toYaml .args | nindent 4 }}
  {{- with .values }}
  resources:
    {{- toYaml .resources | nindent 4 }}
  {{- end }}
  {{- include "environment" (dict "root" .root) | nindent 2 }}
  volumeMounts:
    {{- include "mounts" .root | nindent 4 }}
    {{- with .mounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}

{{/* What every pod of Airflow has around its containers: who it is, and what it waits for. */}}
{{- define "podFields" -}}
serviceAccountName: {{ include "serviceAccount" .root }}
nodeSelector:
  {{- toYaml .root.Values.airflow.defaultNodeSelector | nindent 2 }}
affinity:
  {{- toYaml .root.Values.airflow.defaultAffinity | nindent 2 }}
tolerations:
  {{- toYaml .root.Values.airflow.defaultTolerations | nindent 2 }}
securityContext:
  {{- toYaml .root.Values.airflow.defaultSecurityContext | nindent 2 }}
{{- end }}

{{- define "waits" -}}
{{- include "airflow" (dict "root" .root "name" "check-db" "args" (list "bash" "-c" "exec timeout 60s airflow db check")) }}
{{- if ne .component "db-migrations" }}
{{ include "airflow" (dict "root" .root "name" "wait-for-db-migrations" "args" (list "bash" "-c" "exec airflow db check-migrations -t 60")) }}
{{- end }}
{{- end }}

{{/* Pods are made anew when their settings, or the script that they run, change. */}}
{{- define "podMetadata" -}}
annotations:
  checksum/secret-config-envs: {{ include (print .root.Template.BasePath "/config.yaml") .root | sha256sum }}
  {{- with .script }}
  checksum/script: {{ sha256sum . }}
  {{- end }}
  cluster-autoscaler.kubernetes.io/safe-to-evict: "true"
  {{- with .root.Values.airflow.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
labels:
  {{- include "labels" . | nindent 2 }}
{{- end }}

{{- define "probe" -}}
{{- toYaml (omit . "enabled") }}
{{- end }}

{{- define "logCleanup" -}}
{{- if .values.logCleanup.enabled }}
- name: log-cleanup
  {{- include "airflowImage" .root | nindent 2 }}
  command: [/usr/bin/dumb-init, --, /entrypoint]
  args: [bash, /clean-logs]
  {{- include "environment" (dict "root" .root) | nindent 2 }}
  volumeMounts:
    - name: logs-data
      mountPath: {{ .root.Values.logs.path }}
{{- end }}
{{- end }}
