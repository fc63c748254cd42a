{{/* What every part that fetches something may reach: names, and https. */}}
{{- define "palisade.egressBasics" -}}
{{- $policy := .Values.networkPolicy -}}
- to: {{ toJson $policy.dns }}
  ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
{{- if $policy.https.enabled }}
- to: {{ toJson $policy.https.to }}
  ports: [{port: 443, protocol: TCP}]
{{- end }}
{{- end }}

{{/* The port of nats.url; 4222 where it names none. */}}
{{- define "palisade.natsPort" -}}
{{- $port := regexFind ":[0-9]+$" (urlParse .Values.nats.url).host | trimPrefix ":" -}}
{{- default "4222" $port }}
{{- end }}
