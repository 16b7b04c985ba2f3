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
- {name: CERTUS_TRUST_ID, value: {{ $v.trust.id | quote }}}
{{- if $v.trust.policy.configMap }}
- {name: CERTUS_TRUST_POLICY, value: {{ printf "/trust/%s" $v.trust.policy.key | quote }}}
{{- end }}
{{- if $v.secrets.trustKey.name }}
- {name: CERTUS_TRUST_KEY, value: /signing/trust.key}
{{- end }}
{{- with $v.trust.url }}
- {name: CERTUS_ASSURANCE_TRUST_BASE_URL, value: {{ . | quote }}}
- {name: CERTUS_TRUST_ANCHOR, value: /anchor/trust.pub}
- {name: CERTUS_TRUST_API_KEY_FILE, value: /secrets/trust-api-key}
{{- end }}
{{- if $v.publish.s3 }}
- {name: CERTUS_ASSURANCE_ENABLE_S3_UPLOAD, value: "true"}
- {name: CERTUS_ASSURANCE_DATALAKE_RAW_BUCKET, value: {{ $v.publish.rawBucket | quote }}}
- {name: CERTUS_ASSURANCE_DATALAKE_GOLDEN_BUCKET, value: {{ $v.publish.goldenBucket | quote }}}
- {name: CERTUS_ASSURANCE_DATALAKE_RAW_PREFIX, value: {{ $v.publish.prefix | quote }}}
- {name: CERTUS_ASSURANCE_DATALAKE_GOLDEN_PREFIX, value: {{ $v.publish.prefix | quote }}}
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
{{- if $v.trust.url }}
- secret: {name: {{ $v.secrets.trustApiKey.name }}, items: [{key: {{ $v.secrets.trustApiKey.key }}, path: trust-api-key}]}
{{- end }}
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
{{- if $v.trust.policy.configMap }}
- {name: trust, mountPath: /trust, readOnly: true}
{{- end }}
{{- if $v.trust.url }}
- {name: anchor, mountPath: /anchor, readOnly: true}
{{- end }}
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
- name: log-secret
  secret:
    secretName: {{ $v.secrets.logKey.name }}
    defaultMode: 0440
    items:
      - {key: {{ $v.secrets.logKey.key }}, path: transparency-log.pem}
      - {key: {{ $v.secrets.logKey.verifierKey }}, path: transparency-log.vkey}
{{- with $v.secrets.trustKey }}{{ if .name }}
- name: trust-secret
  secret:
    secretName: {{ .name }}
    defaultMode: 0440
    items: [{key: {{ .key }}, path: trust.key}]
{{- end }}{{ end }}
{{- if $v.trust.policy.configMap }}
- name: trust
  configMap: {name: {{ $v.trust.policy.configMap }}}
{{- end }}
{{- if $v.trust.url }}
- name: anchor
  configMap: {name: {{ $v.trust.anchor.configMap }}, items: [{key: {{ $v.trust.anchor.key }}, path: trust.pub}]}
{{- end }}
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

{{/* Kubernetes shows a Secret to the pod's group, and certus takes no private key that a group may read. So each is
     copied to a file of its own user: signing keys within memory, the log's key into the folder of keys. */}}
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
- name: log-key
  image: {{ include "certus.image" .root }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  command: [install, -D, -m, "0600", -t, /work/keys, /log-secret/transparency-log.pem, /log-secret/transparency-log.vkey]
  securityContext:
    {{- include "certus.containerSecurity" .root | nindent 4 }}
  resources:
    requests: {cpu: 10m, memory: 16Mi}
    limits: {memory: 32Mi}
  volumeMounts:
    - {name: work, mountPath: /work}
    - {name: log-secret, mountPath: /log-secret, readOnly: true}
{{- if .root.Values.secrets.trustKey.name }}
- name: trust-key
  image: {{ include "certus.image" .root }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  command: [install, -m, "0400", /trust-secret/trust.key, /signing/trust.key]
  securityContext:
    {{- include "certus.containerSecurity" .root | nindent 4 }}
  resources:
    requests: {cpu: 10m, memory: 16Mi}
    limits: {memory: 32Mi}
  volumeMounts:
    - {name: signing, mountPath: /signing}
    - {name: trust-secret, mountPath: /trust-secret, readOnly: true}
{{- end }}
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
