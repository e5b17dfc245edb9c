# Of the community's script only what the lab's Airflow reads: who the users are, and whether it is to look again.
sync_forever={{ ternary "True" "False" .Values.airflow.usersUpdate }}
{{- range .Values.airflow.users }}
UserWrapper(
    username={{ .username | quote }},
    first_name={{ .firstName | quote }},
    last_name={{ .lastName | quote }},
    email={{ .email | quote }},
    roles=[
        {{ .role | quote }},
    ],
    password={{ .password | quote }},
)
{{- end }}
