{{- define "certus.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{- define "certus.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "certus.labels" -}}
{{ include "certus.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "certus.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "certus.fullname" .) }}
{{- else -}}
{{ required "serviceAccount.name is empty and serviceAccount.create is false; name an account" .Values.serviceAccount.name }}
{{- end -}}
{{- end -}}

{{- define "certus.image" -}}
{{- if not .Values.image.repository -}}
{{- fail "image.repository is empty; name the repository of the image, without a tag" -}}
{{- end -}}
{{- if not (regexMatch "^sha256:[0-9a-f]{64}$" .Values.image.digest) -}}
{{- fail (printf "image.digest is `%s`; give sha256: and 64 digits, a tag alone can be moved to other bytes" .Values.image.digest) -}}
{{- end -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- end -}}

{{/* What cannot be right, said before anything is made. */}}
{{- define "certus.check" -}}
{{- $single := eq .Values.mode "single" -}}
{{- if and $single (ne (int .Values.api.replicas) 1) -}}
{{- fail (printf "mode is `single` and api.replicas is %d; SQLite has one process, so set api.replicas to 1" (int .Values.api.replicas)) -}}
{{- end -}}
{{- if not .Values.secrets.signingKey.name -}}
{{- fail "secrets.signingKey.name is empty; name the Secret that holds the key bundles are signed with" -}}
{{- end -}}
{{- if not .Values.secrets.logKey.name -}}
{{- fail "secrets.logKey.name is empty; name the Secret with the two files of the log's key, which all pods share" -}}
{{- end -}}
{{- if and .Values.trust.url (not (and .Values.trust.anchor.configMap .Values.secrets.trustApiKey.name)) -}}
{{- fail "trust.url is set without trust.anchor.configMap and secrets.trustApiKey.name; name whose permits count, and the key to ask with" -}}
{{- end -}}
{{- if and .Values.publish.s3 (ne (include "certus.blobs" .) "s3") -}}
{{- fail "publish.s3 is set and blobs.kind is not `s3`; it uses the address and keys of that store" -}}
{{- end -}}
{{- if not $single -}}
{{- if not .Values.secrets.database.name -}}
{{- fail "secrets.database.name is empty; name the Secret that holds the address of the database, or set mode to single" -}}
{{- end -}}
{{- if and .Values.migration.enabled (not .Values.secrets.databaseOwner.name) -}}
{{- fail "secrets.databaseOwner.name is empty; name the Secret of the owner's address, or set migration.enabled to false" -}}
{{- end -}}
{{- end -}}
{{- if eq (include "certus.blobs" .) "s3" -}}
{{- if not .Values.blobs.bucket -}}
{{- fail "blobs.bucket is empty; name the bucket, or set blobs.kind to folder" -}}
{{- end -}}
{{- if not .Values.secrets.s3.name -}}
{{- fail "secrets.s3.name is empty; name the Secret of the bucket's keys, or set blobs.kind to folder" -}}
{{- end -}}
{{- else if and (not $single) (not .Values.persistence.existingClaim) (not (has "ReadWriteMany" .Values.persistence.accessModes)) -}}
{{- fail "blobs.kind is `folder`, and API and workers share it; set persistence.accessModes to [ReadWriteMany], or blobs.kind to s3" -}}
{{- end -}}
{{- if and .Values.secrets.gitToken.name (not .Values.settings.gitTokenHost) -}}
{{- fail "settings.gitTokenHost is empty; name the one host that the token of secrets.gitToken is for" -}}
{{- end -}}
{{- if and .Values.tls.clientCertificates (not .Values.tls.secretName) -}}
{{- fail "tls.clientCertificates is set without tls.secretName; name the Secret with the certificates" -}}
{{- end -}}
{{- end -}}

{{/* `single` keeps everything on its volume. */}}
{{- define "certus.blobs" -}}
{{- if eq .Values.mode "single" -}}folder{{- else -}}{{ .Values.blobs.kind }}{{- end -}}
{{- end -}}

{{- define "certus.claim" -}}
{{ .Values.persistence.existingClaim | default (printf "%s-data" (include "certus.fullname" .)) }}
{{- end -}}

{{- define "certus.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "certus.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* The start of each pod's specification. */}}
{{- define "certus.pod" -}}
serviceAccountName: {{ include "certus.serviceAccount" . }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- include "certus.podSecurity" . | nindent 2 }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{- define "certus.podMeta" -}}
labels:
  {{- include "certus.labels" . | nindent 2 }}
  {{- with .Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
