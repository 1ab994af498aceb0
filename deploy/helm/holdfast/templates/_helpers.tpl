{{- define "holdfast.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "holdfast.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "holdfast.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "holdfast.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "holdfast.selectorLabels" -}}
app.kubernetes.io/name: {{ include "holdfast.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: server
{{- end }}

{{- define "holdfast.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: {{ include "holdfast.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "holdfast.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- /* A time of a setting, such as 500ms, 20s or 5m, in whole seconds, rounded up. */ -}}
{{- define "holdfast.seconds" -}}
{{- $text := toString . }}
{{- $number := regexFind "^[0-9]+" $text | int64 }}
{{- if hasSuffix "ms" $text }}
{{- div (add $number 999) 1000 }}
{{- else if hasSuffix "h" $text }}
{{- mul $number 3600 }}
{{- else if hasSuffix "m" $text }}
{{- mul $number 60 }}
{{- else }}
{{- $number }}
{{- end }}
{{- end }}

{{- /* How long a server may take to stop: its drain, the 5 s in which it would end by force, and 5 s more. */ -}}
{{- define "holdfast.terminationGracePeriodSeconds" -}}
{{- $delay := index .Values.config "drain-delay" | default "0" }}
{{- $grace := index .Values.config "drain-grace" | default "10s" }}
{{- add (include "holdfast.seconds" $delay) (include "holdfast.seconds" $grace) 10 }}
{{- end }}

{{- define "holdfast.scheme" -}}
{{- ternary "HTTPS" "HTTP" (ne .Values.tls.secretName "") }}
{{- end }}

{{- /* What must go together, in sentences for whoever installs this. */ -}}
{{- define "holdfast.check" -}}
{{- $auth := .Values.config.auth | default list }}
{{- $methods := ternary (splitList "," (toString $auth)) $auth (kindIs "string" $auth) }}
{{- if not .Values.secret.name }}
{{- fail "secret.name must name a Secret whose key database-url holds the address of the database" }}
{{- end }}
{{- if not $methods }}
{{- fail "config.auth must say how callers say who they are: [api-key], [jwt] or [mtls, api-key], say" }}
{{- end }}
{{- if and (not .Values.tls.secretName) (not (index .Values.config "allow-plaintext")) }}
{{- fail "tls.secretName must name a Secret with tls.crt and tls.key; or set config.allow-plaintext: true if something else encrypts" }}
{{- end }}
{{- if and (has "mtls" $methods) (not .Values.tls.clientCaKey) }}
{{- fail "config.auth has mtls, which needs tls.clientCaKey, and tls.secretName" }}
{{- end }}
{{- if and .Values.migrate.secret.name (not .Values.migrate.secret.env) }}
{{- fail "migrate.secret.env must say which variables the keys of migrate.secret.name become: HOLDFAST_DATABASE_URL: database-url, say" }}
{{- end }}
{{- if and (has "mtls" $methods) (eq (len $methods) 1) }}
{{- fail "with mtls alone every connection needs a certificate, and Kubernetes' probes have none: add another way to config.auth, such as api-key" }}
{{- end }}
{{- end }}

{{- define "holdfast.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "holdfast.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- /* What every command here needs: the settings, and what is secret. Of that, "own" has what is this command's alone. */ -}}
{{- define "holdfast.env" -}}
- name: HOLDFAST_CONFIG
  value: /etc/holdfast/holdfast.yaml
- name: XDG_CACHE_HOME
  value: /tmp
{{- range $variable, $key := .Values.secret.env }}
{{- if not (hasKey $.own.env $variable) }}
- name: {{ $variable }}
  valueFrom:
    secretKeyRef:
      name: {{ $.Values.secret.name }}
      key: {{ $key }}
{{- end }}
{{- end }}
{{- range $variable, $key := .own.env }}
- name: {{ $variable }}
  valueFrom:
    secretKeyRef:
      name: {{ $.own.name | default $.Values.secret.name }}
      key: {{ $key }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}
