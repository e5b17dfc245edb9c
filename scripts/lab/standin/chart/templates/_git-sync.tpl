{{/* Whether this component has git-sync beside it: where DAGs are read, and no volume holds them. */}}
{{- define "gitSynced" -}}
{{- $dags := .root.Values.dags }}
{{- if and $dags.gitSync.enabled (ne .component "webserver") (or (eq .component "scheduler") (not $dags.persistence.enabled)) }}yes{{ end -}}
{{- end }}

{{/* Once before the others start, then beside them. init: which of the two. */}}
{{- define "gitSync" }}
{{- $git := .root.Values.dags.gitSync }}
{{- $image := .root.Values.images.gitSync }}
- name: {{ $git.containerName }}{{ if .init }}-init{{ end }}
  image: {{ $image.repository }}:{{ $image.tag }}
  imagePullPolicy: {{ $image.pullPolicy }}
  securityContext:
    {{- toYaml ($git.securityContexts.container | default $git.securityContext | default (dict "runAsUser" $git.uid)) | nindent 4 }}
  env:
    {{- if $git.sshKeySecret }}
    - { name: GIT_SYNC_SSH, value: "true" }
    - { name: GIT_SSH_KEY_FILE, value: /etc/git-secret/ssh }
    - { name: GIT_KNOWN_HOSTS, value: {{ empty $git.knownHosts | ternary "false" "true" | quote }} }
    {{- if $git.knownHosts }}
    - { name: GIT_SSH_KNOWN_HOSTS_FILE, value: /etc/git-secret/known_hosts }
    {{- end }}
    {{- else if $git.credentialsSecret }}
    {{- range $name := list "GIT_SYNC_USERNAME" "GIT_SYNC_PASSWORD" }}
    {{- include "fromSecret" (dict "name" $name "secret" $git.credentialsSecret "key" $name) | indent 4 }}
    {{- end }}
    {{- end }}
    {{- $settings := dict "REPO" $git.repo "BRANCH" $git.branch "REV" $git.rev "DEPTH" $git.depth "ROOT" "/git" "DEST" "repo" "ADD_USER" "true" "WAIT" $git.wait "MAX_SYNC_FAILURES" $git.maxFailures }}
    {{- range $name, $value := $settings }}
    - { name: GIT_SYNC_{{ $name }}, value: {{ $value | quote }} }
    {{- end }}
    {{- if .init }}
    - { name: GIT_SYNC_ONE_TIME, value: "true" }
    {{- end }}
    {{- range $git.env }}
    - { name: {{ .name }}, value: {{ .value | quote }} }
    {{- end }}
  resources:
    {{- toYaml $git.resources | nindent 4 }}
  volumeMounts:
    - { name: dags, mountPath: /git }
    {{- if $git.sshKeySecret }}
    - { name: git-sync-ssh-key, mountPath: /etc/git-secret/ssh, subPath: gitSshKey, readOnly: true }
    {{- if $git.knownHosts }}
    - { name: config, mountPath: /etc/git-secret/known_hosts, subPath: known_hosts, readOnly: true }
    {{- end }}
    {{- end }}
    {{- with $git.extraVolumeMounts }}
    {{- tpl (toYaml .) $.root | nindent 4 }}
    {{- end }}
{{- end }}
