# Of the community's script only the part that the lab's Airflow reads: who the users are.
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
