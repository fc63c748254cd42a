{{/* The configuration: what the chart says, with `config` over it, as TOML. */}}

{{/*
Numbers of values are floats, and TOML tells 2.0 from 2, so whole ones are made integers. Takes a dict and changes it; of lists
the keys "list" and "whole" hold what came in and what came out.
*/}}
{{- define "palisade.integers" -}}
{{- range $key, $value := . }}
{{- if kindIs "map" $value }}
{{- include "palisade.integers" $value }}
{{- else if kindIs "slice" $value }}
{{- $list := list }}
{{- range $value }}
{{- $one := dict "value" . }}
{{- include "palisade.integers" $one }}
{{- $list = append $list $one.value }}
{{- end }}
{{- $_ := set $ $key $list }}
{{- else if kindIs "float64" $value }}
{{- if eq $value (floor $value) }}
{{- $_ := set $ $key (int64 $value) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "palisade.postgresUrl" -}}
{{- $host := required "postgres.host is needed where postgres.enabled" .host -}}
postgres://{{ urlquery .user | replace "+" "%20" }}@{{ $host }}:{{ int .port }}/{{ urlquery .database | replace "+" "%20" }}?sslmode={{ .sslMode }}
{{- if .caSecret.name }}&sslrootcert=/etc/palisade/postgres/ca.crt{{ end }}
{{- end }}

{{/* What the chart itself says of the bus, as JSON. */}}
{{- define "palisade.bus" -}}
{{- $bus := dict "url" (required "nats.url is needed where nats.enabled" .url) "replicas" .replicas "tls-required" .tls.required }}
{{- if .tokenSecret.name }}{{ $_ := set $bus "token-file" "/etc/palisade/nats/token" }}{{ end }}
{{- if .credentialsSecret.name }}{{ $_ := set $bus "credentials" "/etc/palisade/nats/nats.creds" }}{{ end }}
{{- if .tls.caSecret.name }}{{ $_ := set $bus "tls-ca" "/etc/palisade/nats/ca.crt" }}{{ end }}
{{- if .tls.clientSecret.name }}
{{- $_ := set $bus "tls-certificate" "/etc/palisade/nats/tls.crt" }}
{{- $_ := set $bus "tls-key" "/etc/palisade/nats/tls.key" }}
{{- end }}
{{- toJson $bus }}
{{- end }}

{{/* What the chart itself says of its cluster, as JSON. */}}
{{- define "palisade.cluster" -}}
{{- $cluster := .Values.cluster }}
{{- $said := dict "in-cluster" true "follow" $cluster.follow "assess-minutes" $cluster.assessMinutes "no-images" (not $cluster.images) }}
{{- if $cluster.namespaces }}{{ $_ := set $said "namespaces" $cluster.namespaces }}{{ end }}
{{- if .Values.respond.enabled }}{{ $_ := set $said "respond" true }}{{ end }}
{{- toJson (dict $cluster.name $said) }}
{{- end }}

{{/*
Paths of the operator's own files. Each is mounted and named by itself: a folder of a ConfigMap holds links beside what they lead to.
Takes (dict "root" $ "kind" policies|rules|playbooks "said" LIST) and gives JSON.
*/}}
{{- define "palisade.paths" -}}
{{- $paths := default (list) .said }}
{{- range $name := keys (get .root.Values .kind) | sortAlpha }}
{{- $paths = append $paths (printf "/etc/palisade/%s/%s" $.kind $name) }}
{{- end }}
{{- toJson (dict "paths" $paths) }}
{{- end }}

{{- define "palisade.config" -}}
{{- $said := deepCopy .Values.config }}
{{- $server := dict "listen" (printf "%s:8717" .Values.listenAddress) }}
{{- if and .Values.ingress.enabled .Values.ingress.tlsSecret }}{{ $_ := set $server "https" true }}{{ end }}
{{- $own := dict "server" $server }}
{{- if .Values.postgres.enabled }}{{ $_ := set $own "store" (dict "url" (include "palisade.postgresUrl" .Values.postgres)) }}{{ end }}
{{- if .Values.nats.enabled }}{{ $_ := set $own "bus" (include "palisade.bus" .Values.nats | fromJson) }}{{ end }}
{{- if .Values.cluster.enabled }}{{ $_ := set $own "clusters" (include "palisade.cluster" . | fromJson) }}{{ end }}
{{- if .Values.evidenceKey.existingSecret }}{{ $_ := set $own "evidence" (dict "key-file" "/etc/palisade/evidence/evidence.key") }}{{ end }}
{{- if .Values.registryCredentials.existingSecret }}{{ $_ := set $own "egress" (dict "registry-credentials" "/etc/palisade/registry/config.json") }}{{ end }}
{{- $all := mergeOverwrite $own $said }}
{{- range list (list "policies" "policies" "paths") (list "rules" "events" "rules") (list "playbooks" "respond" "playbooks") }}
{{- $kind := index . 0 }}{{ $section := index . 1 }}{{ $key := index . 2 }}
{{- if get $.Values $kind }}
{{- $table := default (dict) (get $all $section) }}
{{- $_ := set $table $key (get (include "palisade.paths" (dict "root" $ "kind" $kind "said" (get $table $key)) | fromJson) "paths") }}
{{- $_ := set $all $section $table }}
{{- end }}
{{- end }}
{{- include "palisade.integers" $all }}
{{- toToml $all }}
{{- end }}

{{/* What a server cannot be. */}}
{{- define "palisade.checked" -}}
{{- $shared := and .Values.postgres.enabled .Values.nats.enabled }}
{{- if and (gt (int .Values.replicas) 1) (not $shared) }}
{{- fail "replicas: more than one server needs postgres.enabled and nats.enabled; store and bus are on the volume of one otherwise" }}
{{- end }}
{{- if and (gt (int .Values.replicas) 1) (not .Values.evidenceKey.existingSecret) }}
{{- fail "replicas: more than one server needs evidenceKey.existingSecret; each would sign evidence with a key of its own otherwise" }}
{{- end }}
{{- if and (gt (int .Values.replicas) 1) .Values.persistence.existingClaim }}
{{- fail "persistence.existingClaim is one volume, and every server needs its own; leave it out, or have one replica" }}
{{- end }}
{{- if and .Values.respond.enabled (not .Values.cluster.enabled) }}
{{- fail "respond.enabled needs cluster.enabled: what is responded to is in that cluster" }}
{{- end }}
{{- if and .Values.nats.tokenSecret.name .Values.nats.credentialsSecret.name }}
{{- fail "nats.tokenSecret and nats.credentialsSecret exclude each other; keep one of them" }}
{{- end }}
{{- if and .Values.admission.enabled (dig "admission" "images" nil .Values.config) (not .Values.postgres.enabled) }}
{{- fail "config.admission.images needs postgres.enabled: the webhook asks the store, and cannot reach one on the server's volume" }}
{{- end }}
{{- end }}
