{{- define "configMounts" -}}
- name: config
  mountPath: {{ .Values.airflowHome }}/airflow.cfg
  subPath: airflow.cfg
  readOnly: true
{{- end }}

{{- define "dagsMount" }}
{{- if or .Values.dags.persistence.enabled .Values.dags.gitSync.enabled }}
- name: dags
  mountPath: {{ .Values.airflowHome }}/dags
  {{- with .Values.dags.persistence.subPath }}
  subPath: {{ . }}
  {{- end }}
  readOnly: true
{{- end }}
{{- end }}

{{- define "logsMount" }}
- name: logs
  mountPath: {{ .Values.airflowHome }}/logs
{{- end }}

{{/* config and dags; logs apart, since a StatefulSet may bring its own claim for it. */}}
{{- define "volumes" -}}
- name: config
  configMap:
    name: {{ include "configMap" .root }}
{{- if .root.Values.dags.persistence.enabled }}
- name: dags
  persistentVolumeClaim:
    claimName: {{ include "dagsClaim" .root }}
{{- else if .root.Values.dags.gitSync.enabled }}
- name: dags
  emptyDir: {}
{{- with .root.Values.dags.gitSync.sshKeySecret }}
- name: git-sync-ssh-key
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- end }}
{{- with concat .root.Values.volumes (.values.extraVolumes | default list) }}
{{- toYaml . | nindent 0 }}
{{- end }}
{{- end }}

{{- define "logsVolume" }}
- name: logs
  {{- if .Values.logs.persistence.enabled }}
  persistentVolumeClaim:
    claimName: {{ include "logsClaim" . }}
  {{- else }}
  emptyDir: {}
  {{- end }}
{{- end }}

{{- define "security" -}}
securityContext:
  runAsUser: {{ .Values.uid }}
  fsGroup: {{ .Values.gid }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The fields that every Airflow container has: image, command, args, environment, resources. */}}
{{- define "container" -}}
image: {{ include "image" .root }}
imagePullPolicy: {{ .root.Values.images.airflow.pullPolicy }}
{{- with .values.command }}
command:
  {{- tpl (toYaml .) $.root | nindent 2 }}
{{- end }}
{{- with .values.args }}
args:
  {{- tpl (toYaml .) $.root | nindent 2 }}
{{- end }}
resources:
  {{- toYaml .values.resources | nindent 2 }}
{{ include "environment" . }}
{{- end }}

{{- define "initContainers" }}
{{- if or .values.waitForMigrations.enabled (include "gitSynced" .) }}
initContainers:
  {{- if .values.waitForMigrations.enabled }}
  - name: wait-for-airflow-migrations
    image: {{ include "image" .root }}
    imagePullPolicy: {{ .root.Values.images.airflow.pullPolicy }}
    args: [airflow, db, check-migrations, --migration-wait-timeout={{ .root.Values.images.migrationsWaitTimeout }}]
    {{- include "environment" (dict "root" .root "values" .values.waitForMigrations) | nindent 4 }}
    volumeMounts:
      {{- include "configMounts" .root | nindent 6 }}
  {{- end }}
  {{- if include "gitSynced" . }}
  {{- include "gitSync" (dict "root" .root "init" true) | indent 2 }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "sidecars" }}
{{- if include "gitSynced" . }}
{{- include "gitSync" (dict "root" .root "init" false) }}
{{- end }}
{{- if .values.logGroomerSidecar.enabled }}
- name: {{ .component }}-log-groomer
  image: {{ include "image" .root }}
  imagePullPolicy: {{ .root.Values.images.airflow.pullPolicy }}
  args:
    {{- toYaml .values.logGroomerSidecar.args | nindent 4 }}
  env:
    - name: AIRFLOW__LOG_RETENTION_DAYS
      value: {{ .values.logGroomerSidecar.retentionDays | quote }}
  volumeMounts:
    {{- include "logsMount" .root | nindent 4 }}
{{- end }}
{{- end }}

{{- define "probe" -}}
initialDelaySeconds: {{ .initialDelaySeconds }}
timeoutSeconds: {{ .timeoutSeconds }}
failureThreshold: {{ .failureThreshold }}
periodSeconds: {{ .periodSeconds }}
{{- end }}

{{- define "jobProbe" -}}
livenessProbe:
  {{- include "probe" .values.livenessProbe | nindent 2 }}
  exec:
    command:
      - sh
      - -c
      - |
        CONNECTION_CHECK_MAX_COUNT=0 AIRFLOW__LOGGING__LOGGING_LEVEL=ERROR exec /entrypoint \
        airflow jobs check --job-type {{ .job }} --local
{{- end }}

{{/* A pod is made anew when one of these changes, as in the official chart. */}}
{{- define "checksums" -}}
annotations:
  checksum/metadata-secret: {{ include (print .root.Template.BasePath "/secrets.yaml") .root | sha256sum }}
  {{- if or (eq .component "webserver") (eq .component "worker") }}
  checksum/webserver-secret-key: {{ include (print .root.Template.BasePath "/webserver-secret.yaml") .root | sha256sum }}
  {{- end }}
  checksum/airflow-config: {{ include (print .root.Template.BasePath "/configmap.yaml") .root | sha256sum }}
  cluster-autoscaler.kubernetes.io/safe-to-evict: "true"
  {{- with .root.Values.airflowPodAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "claimTemplate" -}}
volumeClaimTemplates:
  - metadata:
      name: {{ .name }}
    spec:
      {{- with .persistence.storageClassName | default .persistence.storageClass }}
      storageClassName: {{ . }}
      {{- end }}
      accessModes: [ReadWriteOnce]
      resources:
        requests:
          storage: {{ .persistence.size }}
{{- end }}
