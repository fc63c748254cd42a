{{- define "palisade.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "palisade.fullname" -}}
{{- $name := include "palisade.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "palisade.selector" -}}
app.kubernetes.io/name: {{ include "palisade.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "palisade.labels" -}}
{{ include "palisade.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "palisade.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "palisade.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "palisade.image" -}}
{{- $registry := default .Values.image.registry .Values.global.imageRegistry -}}
{{- $repository := .Values.image.repository -}}
{{- if $registry }}{{ $repository = printf "%s/%s" (trimSuffix "/" $registry) $repository }}{{ end -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "palisade.pullSecrets" -}}
{{- with concat .Values.global.imagePullSecrets .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* What cannot be: said before anything is installed. */}}
{{- define "palisade.check" -}}
{{- $many := gt (int .Values.replicas) 1 -}}
{{- if and $many (not (and .Values.postgres.enabled .Values.nats.enabled)) -}}
{{- fail "replicas: more than one pod needs postgres.enabled and nats.enabled; the embedded store and bus are one pod's" -}}
{{- end -}}
{{- if and $many (not .Values.evidence.existingSecret) -}}
{{- fail "replicas: more than one pod needs evidence.existingSecret, so that all sign with one key" -}}
{{- end -}}
{{- if and .Values.postgres.enabled (not (and .Values.postgres.host .Values.postgres.existingSecret)) -}}
{{- fail "postgres: host and existingSecret are required" -}}
{{- end -}}
{{- if and .Values.nats.enabled (not .Values.nats.url) -}}
{{- fail "nats: url is required" -}}
{{- end -}}
{{- if and .Values.nats.credentialsKey .Values.nats.tokenKey -}}
{{- fail "nats: credentialsKey and tokenKey exclude each other" -}}
{{- end -}}
{{- if and (or .Values.nats.credentialsKey .Values.nats.tokenKey .Values.nats.caKey) (not .Values.nats.existingSecret) -}}
{{- fail "nats: keys are of nats.existingSecret, which is not named" -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not (and .Values.ingress.host .Values.ingress.tlsSecret)) -}}
{{- fail "ingress: host and tlsSecret are required: tokens and cookies do not travel in clear" -}}
{{- end -}}
{{- if and .Values.admission.enabled (not .Values.admission.certManager.enabled) (not (and .Values.admission.existingSecret .Values.admission.caBundle)) -}}
{{- fail "admission: give existingSecret and caBundle, or enable certManager" -}}
{{- end -}}
{{- if and .Values.serviceMonitor.enabled (not .Values.serviceMonitor.tokenSecret) -}}
{{- fail "serviceMonitor: tokenSecret is required" -}}
{{- end -}}
{{- end -}}

{{/* A table of the configuration as dotted keys. Numbers of YAML are floats here, and whole ones have to stay whole. */}}
{{- define "palisade.toml" -}}
{{- $path := .path -}}
{{- range $name, $value := .table -}}
{{- $key := ternary (printf "%s.%s" $path (toJson $name)) (toJson $name) (ne $path "") -}}
{{- if kindIs "map" $value -}}
{{- include "palisade.toml" (dict "path" $key "table" $value) -}}
{{- else if kindIs "float64" $value -}}
{{- $key }} = {{ ternary (printf "%d" (int64 $value)) (toString $value) (eq (floor $value) $value) }}
{{ else if not (kindIs "invalid" $value) -}}
{{- $key }} = {{ toJson $value }}
{{ end -}}
{{- end -}}
{{- end -}}

{{/* What follows from the values, under what `config` says. */}}
{{- define "palisade.config" -}}
{{- $derived := dict "data-dir" "/var/lib/palisade" "server" (dict "listen" "0.0.0.0:8717") -}}
{{- if .Values.postgres.enabled -}}
{{- $url := printf "postgres://%s@%s:%d/%s?sslmode=%s" .Values.postgres.user .Values.postgres.host (int .Values.postgres.port) .Values.postgres.database .Values.postgres.sslMode -}}
{{- if .Values.postgres.caKey }}{{ $url = printf "%s&sslrootcert=/etc/palisade/postgres/%s" $url .Values.postgres.caKey }}{{ end -}}
{{- $_ := set $derived "store" (dict "url" $url) -}}
{{- end -}}
{{- if .Values.nats.enabled -}}
{{- $bus := dict "url" .Values.nats.url "replicas" .Values.nats.replicas "tls-required" .Values.nats.tlsRequired -}}
{{- with .Values.nats.credentialsKey }}{{ $_ := set $bus "credentials" (printf "/etc/palisade/nats/%s" .) }}{{ end -}}
{{- with .Values.nats.tokenKey }}{{ $_ := set $bus "token-file" (printf "/etc/palisade/nats/%s" .) }}{{ end -}}
{{- with .Values.nats.caKey }}{{ $_ := set $bus "tls-ca" (printf "/etc/palisade/nats/%s" .) }}{{ end -}}
{{- $_ := set $derived "bus" $bus -}}
{{- end -}}
{{- if .Values.evidence.existingSecret -}}
{{- $_ := set $derived "evidence" (dict "key-file" (printf "/etc/palisade/evidence/%s" .Values.evidence.keyKey)) -}}
{{- end -}}
{{- if .Values.cluster.enabled -}}
{{- $cluster := dict "in-cluster" true "follow" .Values.cluster.follow "respond" .Values.cluster.respond -}}
{{- $_ := set $derived "clusters" (dict .Values.cluster.name $cluster) -}}
{{- end -}}
{{- include "palisade.toml" (dict "path" "" "table" (mustMergeOverwrite $derived (deepCopy .Values.config))) -}}
{{- end -}}

{{/* Volumes that the service and what runs beside it share. */}}
{{- define "palisade.volumes" -}}
- name: config
  configMap: { name: {{ include "palisade.fullname" . }} }
- name: tmp
  emptyDir: {}
{{- if .Values.postgres.enabled }}
- name: postgres
  secret: { secretName: {{ .Values.postgres.existingSecret }}, defaultMode: 0440 }
{{- end }}
{{- with .Values.nats.existingSecret }}
- name: nats
  secret: { secretName: {{ . }}, defaultMode: 0440 }
{{- end }}
{{- with .Values.evidence.existingSecret }}
- name: evidence
  secret: { secretName: {{ . }}, defaultMode: 0440 }
{{- end }}
{{- end -}}

{{- define "palisade.mounts" -}}
- { name: config, mountPath: /etc/palisade/palisade.toml, subPath: palisade.toml, readOnly: true }
- { name: data, mountPath: /var/lib/palisade }
- { name: tmp, mountPath: /tmp }
{{- if and .Values.postgres.enabled .Values.postgres.caKey }}
- { name: postgres, mountPath: /etc/palisade/postgres, readOnly: true }
{{- end }}
{{- if .Values.nats.existingSecret }}
- { name: nats, mountPath: /etc/palisade/nats, readOnly: true }
{{- end }}
{{- if .Values.evidence.existingSecret }}
- { name: evidence, mountPath: /etc/palisade/evidence, readOnly: true }
{{- end }}
{{- end -}}
