{{- define "certus.dns" -}}
- to:
    - {{ toYaml .Values.networkPolicy.dns | nindent 6 | trim }}
  ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]
{{- end -}}

{{/* One rule, none without peers: a rule without `to` would mean everywhere. */}}
{{- define "certus.peer" -}}
{{- if .to }}
- to:
    {{- toYaml .to | nindent 4 }}
  ports: [{protocol: TCP, port: {{ .port }}}]
{{- end }}
{{- end -}}

{{/* What may leave a pod. Takes a dict: root, fetches (whether it fetches repositories, and publishes). */}}
{{- define "certus.egress" -}}
{{- $policy := .root.Values.networkPolicy -}}
{{ include "certus.dns" .root }}
{{ include "certus.peer" $policy.database }}
{{ include "certus.peer" $policy.s3 }}
{{ include "certus.peer" $policy.otlp }}
{{ include "certus.peer" $policy.webhook }}
{{- if .fetches }}
{{ include "certus.peer" $policy.trust }}
{{- end }}
{{- if .fetches }}
{{ include "certus.peer" $policy.proxy }}
{{- with $policy.gitCidrs }}
- to:
    {{- range . }}
    - ipBlock: {cidr: {{ . | quote }}}
    {{- end }}
  ports: [{protocol: TCP, port: 443}]
{{- end }}
{{- end }}
{{- end -}}
