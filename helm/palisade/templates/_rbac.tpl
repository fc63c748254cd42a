{{/* Rights: the repository's own roles, less what the values take away. */}}

{{/* Takes (dict "root" $ "name" NAME "namespace" NAMESPACE). */}}
{{- define "palisade.roleMetadata" -}}
name: {{ .name }}
{{- with .namespace }}
namespace: {{ . }}
{{- end }}
labels:
  {{- include "palisade.labels" (dict "root" .root "component" "server") | nindent 2 }}
{{- with .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/*
Rules of files/ROLE-role.yaml. Without `readSecrets` the collector has none about Secrets; in namespaces there is none about kinds of
the whole cluster, which a Role cannot give. Takes (dict "root" $ "role" NAME) and gives JSON.
*/}}
{{- define "palisade.rules" -}}
{{- $cluster := .root.Values.cluster }}
{{- $left := list }}
{{- if and (eq .role "collector") (not $cluster.readSecrets) }}{{ $left = append $left "secrets" }}{{ end }}
{{- if $cluster.namespaces }}
{{- $left = concat $left (list "namespaces" "nodes" "persistentvolumes" "mutatingwebhookconfigurations" "validatingadmissionpolicies") }}
{{- $left = concat $left (list "validatingadmissionpolicybindings" "validatingwebhookconfigurations" "customresourcedefinitions") }}
{{- $left = concat $left (list "apiservices" "ingressclasses" "clusterroles" "clusterrolebindings" "storageclasses") }}
{{- end }}
{{- $rules := list }}
{{- $file := .root.Files.Get (printf "files/%s-role.yaml" .role) | fromYaml }}
{{- range $file.rules }}
{{- $kept := list }}
{{- range .resources }}{{ if not (has . $left) }}{{ $kept = append $kept . }}{{ end }}{{ end }}
{{- if $kept }}{{ $rules = append $rules (dict "apiGroups" .apiGroups "resources" $kept "verbs" .verbs) }}{{ end }}
{{- end }}
{{- if eq .role "collector" }}{{ $rules = concat $rules $cluster.extraRules }}{{ end }}
{{- toJson (dict "rules" $rules) }}
{{- end }}
