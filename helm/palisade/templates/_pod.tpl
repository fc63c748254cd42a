{{/* What servers, jobs and webhooks are given: files, environment, volumes. */}}

{{/* The configuration and the operator's files, as mounts. */}}
{{- define "palisade.fileMounts" -}}
- {name: config, mountPath: /etc/palisade/palisade.toml, subPath: palisade.toml, readOnly: true}
{{- range $kind := list "policies" "rules" "playbooks" }}
{{- range $name := keys (get $.Values $kind) | sortAlpha }}
- {name: {{ $kind }}, mountPath: /etc/palisade/{{ $kind }}/{{ $name }}, subPath: {{ $name }}, readOnly: true}
{{- end }}
{{- end }}
{{- end }}

{{- define "palisade.fileVolumes" -}}
- name: config
  configMap: {name: {{ include "palisade.fullname" . }}}
{{- range $kind := list "policies" "rules" "playbooks" }}
{{- if get $.Values $kind }}
- name: {{ $kind }}
  configMap: {name: {{ include "palisade.fullname" $ }}-{{ $kind }}}
{{- end }}
{{- end }}
{{- end }}

{{/* Secrets as files: name of the volume, secret, where, and which keys become which files. Gives JSON. */}}
{{- define "palisade.secretFiles" -}}
{{- $files := list }}
{{- with .Values.postgres.caSecret }}{{ if and $.Values.postgres.enabled .name }}
{{- $files = append $files (dict "volume" "postgres-ca" "at" "postgres" "sources" (list (dict "name" .name "items" (list (dict "key" .key "path" "ca.crt"))))) }}
{{- end }}{{ end }}
{{- if .Values.nats.enabled }}
{{- $nats := list }}
{{- with .Values.nats.tokenSecret }}{{ if .name }}{{ $nats = append $nats (dict "name" .name "items" (list (dict "key" .key "path" "token"))) }}{{ end }}{{ end }}
{{- with .Values.nats.credentialsSecret }}{{ if .name }}{{ $nats = append $nats (dict "name" .name "items" (list (dict "key" .key "path" "nats.creds"))) }}{{ end }}{{ end }}
{{- with .Values.nats.tls.caSecret }}{{ if .name }}{{ $nats = append $nats (dict "name" .name "items" (list (dict "key" .key "path" "ca.crt"))) }}{{ end }}{{ end }}
{{- with .Values.nats.tls.clientSecret }}{{ if .name }}
{{- $nats = append $nats (dict "name" .name "items" (list (dict "key" "tls.crt" "path" "tls.crt") (dict "key" "tls.key" "path" "tls.key"))) }}
{{- end }}{{ end }}
{{- if $nats }}{{ $files = append $files (dict "volume" "nats" "at" "nats" "sources" $nats) }}{{ end }}
{{- end }}
{{- with .Values.evidenceKey }}{{ if .existingSecret }}
{{- $files = append $files (dict "volume" "evidence" "at" "evidence" "sources" (list (dict "name" .existingSecret "items" (list (dict "key" .key "path" "evidence.key"))))) }}
{{- end }}{{ end }}
{{- with .Values.registryCredentials }}{{ if .existingSecret }}
{{- $files = append $files (dict "volume" "registry" "at" "registry" "sources" (list (dict "name" .existingSecret "items" (list (dict "key" ".dockerconfigjson" "path" "config.json"))))) }}
{{- end }}{{ end }}
{{- range $name, $secret := .Values.secretMounts }}
{{- $source := dict "name" $secret.secretName "optional" (default false $secret.optional) }}
{{- $files = append $files (dict "volume" (printf "secret-%s" $name) "at" (printf "secrets/%s" $name) "sources" (list $source)) }}
{{- end }}
{{- toJson (dict "files" $files) }}
{{- end }}

{{- define "palisade.secretMounts" -}}
{{- range (include "palisade.secretFiles" . | fromJson).files }}
- {name: {{ .volume }}, mountPath: /etc/palisade/{{ .at }}, readOnly: true}
{{- end }}
{{- end }}

{{- define "palisade.secretVolumes" -}}
{{- range (include "palisade.secretFiles" . | fromJson).files }}
- name: {{ .volume }}
  projected:
    defaultMode: 0440
    sources:
      {{- range .sources }}
      - secret:
          {{- toYaml . | nindent 10 }}
      {{- end }}
{{- end }}
{{- end }}

{{/* The password of the store. */}}
{{- define "palisade.storeEnv" -}}
{{- if and .Values.postgres.enabled .Values.postgres.passwordSecret.name }}
- name: PGPASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ .Values.postgres.passwordSecret.name }}
      key: {{ .Values.postgres.passwordSecret.key }}
{{- end }}
{{- end }}

{{/* A change of any file begins the pods anew: files that are mounted one by one do not change in a pod that runs. */}}
{{- define "palisade.podAnnotations" -}}
checksum/config: {{ printf "%s%s" (include "palisade.config" .) (toJson (list .Values.policies .Values.rules .Values.playbooks)) | sha256sum }}
{{- with merge (dict) .Values.podAnnotations .Values.commonAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What a process needs that opens the store and nothing else. */}}
{{- define "palisade.storeMounts" -}}
{{- if and .Values.postgres.enabled .Values.postgres.caSecret.name }}
- {name: postgres-ca, mountPath: /etc/palisade/postgres, readOnly: true}
{{- end }}
{{- end }}

{{- define "palisade.storeVolumes" -}}
{{- if and .Values.postgres.enabled .Values.postgres.caSecret.name }}
- name: postgres-ca
  secret:
    secretName: {{ .Values.postgres.caSecret.name }}
    defaultMode: 0440
    items: [{key: {{ .Values.postgres.caSecret.key }}, path: ca.crt}]
{{- end }}
{{- end }}
