{{/* Settings of API and workers, as environment. Secrets are files, so that neither a dump of the environment
     nor a child process shows them. Takes a dict: root, worker (whether it signs and fetches). */}}
{{- define "certus.env" -}}
{{- $v := .root.Values -}}
{{- $single := eq $v.mode "single" -}}
- {name: CERTUS_PRODUCTION, value: "true"}
- {name: CERTUS_ASSURANCE_LISTEN, value: "0.0.0.0:8000"}
- {name: CERTUS_ASSURANCE_ARTIFACT_ROOT, value: /data/artifacts}
- {name: CERTUS_CACHE_DIR, value: /work/cache}
- {name: CERTUS_SCRATCH_DIR, value: /work/scratch}
- {name: CERTUS_KEY_DIR, value: /work/keys}
- {name: CERTUS_ASSURANCE_MAX_WORKERS, value: {{ $v.worker.scans | quote }}}
- {name: CERTUS_DATABASE_CONNECTIONS, value: {{ $v.database.connections | quote }}}
- {name: CERTUS_DRAIN_SECONDS, value: {{ $v.settings.drainSeconds | quote }}}
- {name: CERTUS_LEASE_SECONDS, value: {{ $v.settings.leaseSeconds | quote }}}
- {name: CERTUS_JOB_ATTEMPTS, value: {{ $v.settings.jobAttempts | quote }}}
- {name: CERTUS_LOG_FORMAT, value: {{ $v.settings.logFormat | quote }}}
- {name: CERTUS_REQUIRE_IDEMPOTENCY_KEY, value: {{ $v.settings.requireIdempotencyKey | quote }}}
- {name: CERTUS_OFFLINE, value: {{ $v.settings.offline | quote }}}
{{- with $v.settings.allowedOrigins }}
- {name: CERTUS_ALLOWED_ORIGINS, value: {{ join "," . | quote }}}
{{- end }}
{{- with $v.settings.allowedHosts }}
- {name: CERTUS_ALLOWED_HOSTS, value: {{ join "," . | quote }}}
{{- end }}
{{- with $v.settings.proxy }}
- {name: CERTUS_PROXY, value: {{ . | quote }}}
{{- end }}
{{- with $v.otlp.endpoint }}
- {name: CERTUS_OTLP_ENDPOINT, value: {{ . | quote }}}
{{- end }}
{{- with $v.retention.days }}
- {name: CERTUS_RETENTION_DAYS, value: {{ int64 . | quote }}}
{{- end }}
{{- with $v.retention.bytes }}
- {name: CERTUS_RETENTION_BYTES, value: {{ int64 . | quote }}}
{{- end }}
{{- with $v.settings.webhookUrl }}
- {name: CERTUS_ASSURANCE_WEBHOOK_URL, value: {{ . | quote }}}
{{- end }}
{{- if $v.secrets.webhook.name }}
- {name: CERTUS_WEBHOOK_SECRET_FILE, value: /secrets/webhook}
{{- end }}
{{- if $v.authorities.configMap }}
- {name: CERTUS_CA_FILE, value: /authorities/ca.crt}
{{- end }}
{{- if $v.tls.secretName }}
- {name: CERTUS_TLS_CERT_FILE, value: /tls/tls.crt}
- {name: CERTUS_TLS_KEY_FILE, value: /tls/tls.key}
{{- if $v.tls.clientCertificates }}
- {name: CERTUS_TLS_CLIENT_CA_FILE, value: /tls/ca.crt}
{{- end }}
{{- end }}
{{- if not $single }}
- {name: DATABASE_URL_FILE, value: /secrets/database-url}
{{- end }}
{{- if eq (include "certus.blobs" .root) "s3" }}
- {name: CERTUS_BLOBS, value: {{ printf "s3://%s/%s" $v.blobs.bucket $v.blobs.prefix | trimSuffix "/" | quote }}}
- {name: S3_REGION, value: {{ $v.blobs.region | quote }}}
- {name: S3_ACCESS_KEY_ID_FILE, value: /secrets/s3-access-key-id}
- {name: S3_SECRET_ACCESS_KEY_FILE, value: /secrets/s3-secret-access-key}
{{- with $v.blobs.endpoint }}
- {name: S3_ENDPOINT_URL, value: {{ . | quote }}}
{{- end }}
{{- end }}
{{- if $v.secrets.encryptionMasterKey.name }}
- {name: ENCRYPTION_MASTER_KEY_FILE, value: /secrets/encryption-master-key}
{{- end }}
{{- if .worker }}
- {name: CERTUS_KEY, value: /signing/cosign.key}
{{- if $v.secrets.signingPassword.name }}
- {name: COSIGN_PASSWORD_FILE, value: /secrets/cosign-password}
{{- end }}
{{- if $v.secrets.gitToken.name }}
- {name: CERTUS_GIT_TOKEN_FILE, value: /secrets/git-token}
- {name: CERTUS_GIT_TOKEN_HOST, value: {{ $v.settings.gitTokenHost | quote }}}
{{- end }}
{{- end }}
{{- end -}}

{{/* The sources of /secrets. */}}
{{- define "certus.secretSources" -}}
{{- $v := .root.Values -}}
{{- $cluster := ne $v.mode "single" -}}
{{- if $cluster }}
- secret: {name: {{ $v.secrets.database.name }}, items: [{key: {{ $v.secrets.database.key }}, path: database-url}]}
{{- end }}
{{- if eq (include "certus.blobs" .root) "s3" }}
- secret:
    name: {{ $v.secrets.s3.name }}
    items:
      - {key: {{ $v.secrets.s3.accessKeyIdKey }}, path: s3-access-key-id}
      - {key: {{ $v.secrets.s3.secretAccessKeyKey }}, path: s3-secret-access-key}
{{- end }}
{{- with $v.secrets.encryptionMasterKey }}{{ if .name }}
- secret: {name: {{ .name }}, items: [{key: {{ .key }}, path: encryption-master-key}]}
{{- end }}{{ end }}
{{- with $v.secrets.webhook }}{{ if .name }}
- secret: {name: {{ .name }}, items: [{key: {{ .key }}, path: webhook}]}
{{- end }}{{ end }}
{{- if .worker }}
{{- with $v.secrets.signingPassword }}{{ if .name }}
- secret: {name: {{ .name }}, items: [{key: {{ .key }}, path: cosign-password}]}
{{- end }}{{ end }}
{{- with $v.secrets.gitToken }}{{ if .name }}
- secret: {name: {{ .name }}, items: [{key: {{ .key }}, path: git-token}]}
{{- end }}{{ end }}
{{- end }}
{{- end -}}

{{- define "certus.mounts" -}}
{{- $v := .root.Values -}}
- {name: data, mountPath: /data}
- {name: work, mountPath: /work}
- {name: tmp, mountPath: /tmp}
{{- if include "certus.secretSources" . | trim }}
- {name: secrets, mountPath: /secrets, readOnly: true}
{{- end }}
{{- if .worker }}
- {name: signing, mountPath: /signing, readOnly: true}
{{- end }}
{{- if $v.tls.secretName }}
- {name: tls, mountPath: /tls, readOnly: true}
{{- end }}
{{- if $v.authorities.configMap }}
- {name: authorities, mountPath: /authorities, readOnly: true}
{{- end }}
{{- end -}}

{{- define "certus.volumes" -}}
{{- $v := .root.Values -}}
- name: data
{{- if eq (include "certus.blobs" .root) "folder" }}
  persistentVolumeClaim: {claimName: {{ include "certus.claim" .root }}}
{{- else }}
  emptyDir: {sizeLimit: {{ $v.worker.scratchSize }}}
{{- end }}
- name: work
  emptyDir: {sizeLimit: {{ $v.worker.scratchSize }}}
- name: tmp
  emptyDir: {medium: Memory, sizeLimit: 64Mi}
{{- with include "certus.secretSources" . | trim }}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- . | nindent 6 }}
{{- end }}
{{- if .worker }}
- name: signing
  emptyDir: {medium: Memory, sizeLimit: 1Mi}
- name: signing-secret
  secret:
    secretName: {{ $v.secrets.signingKey.name }}
    defaultMode: 0440
    items: [{key: {{ $v.secrets.signingKey.key }}, path: cosign.key}]
{{- end }}
{{- with $v.tls.secretName }}
- name: tls
  secret: {secretName: {{ . }}, defaultMode: 0440}
{{- end }}
{{- with $v.authorities.configMap }}
- name: authorities
  configMap: {name: {{ . }}, items: [{key: {{ $v.authorities.key }}, path: ca.crt}]}
{{- end }}
{{- end -}}

{{/* Kubernetes shows a Secret to the pod's group, and certus takes no private key that a group may read. So it is
     copied, within memory, to a file of its own user. */}}
{{- define "certus.signingContainer" -}}
- name: signing-key
  image: {{ include "certus.image" .root }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  command: [install, -m, "0400", /signing-secret/cosign.key, /signing/cosign.key]
  securityContext:
    {{- include "certus.containerSecurity" .root | nindent 4 }}
  resources:
    requests: {cpu: 10m, memory: 16Mi}
    limits: {memory: 32Mi}
  volumeMounts:
    - {name: signing, mountPath: /signing}
    - {name: signing-secret, mountPath: /signing-secret, readOnly: true}
{{- end -}}

{{/* Of the HTTP service. With client certificates the kubelet has none to show, so the port has to do. */}}
{{- define "certus.httpProbe" -}}
{{- if .root.Values.tls.clientCertificates -}}
tcpSocket: {port: http}
{{- else -}}
httpGet:
  path: {{ .path }}
  port: http
  {{- if .root.Values.tls.secretName }}
  scheme: HTTPS
  {{- end }}
{{- end }}
{{- end -}}
