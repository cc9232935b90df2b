{{/* All downstreams as one map, those of proxy.hosts included, as YAML. */}}
{{- define "mcp-oauth-proxy.downstreams" -}}
{{- $all := deepCopy (.Values.downstreams | default dict) }}
{{- range .Values.proxy.hosts }}
{{- $login := dict "displayName" .host "strategy" "login" "provider" $.Values.provider.name "host" .host }}
{{- $_ := set $login "allowedEmailDomains" $.Values.provider.allowedEmailDomains }}
{{- with .endpoint }}{{ $_ := set $login "scopesUrl" . }}{{ end }}
{{- $_ := set $all (.host | lower | replace "." "-") $login }}
{{- end }}
{{- toYaml $all }}
{{- end }}

{{/* All providers as one map, the single `provider` included, as YAML. */}}
{{- define "mcp-oauth-proxy.providers" -}}
{{- $all := deepCopy (.Values.providers | default dict) }}
{{- with .Values.provider }}
{{- if .name }}
{{- $provider := dict "clientId" .clientID "clientSecret" .clientSecret }}
{{- range $key, $value := omit . "name" "clientID" "clientSecret" "allowedEmailDomains" }}
{{- if $value }}{{ $_ := set $provider $key $value }}{{ end }}
{{- end }}
{{- $_ := set $all .name $provider }}
{{- end }}
{{- end }}
{{- toYaml $all }}
{{- end }}

{{/* What can't work is said here, not by a pod that does not start. */}}
{{- define "mcp-oauth-proxy.checks" -}}
{{- $downstreams := include "mcp-oauth-proxy.downstreams" . | fromYaml }}
{{- if not (or .Values.server.stateSecret .Values.server.stateSecretRef.name) }}
{{- fail "server.stateSecret or server.stateSecretRef.name is required: it seals every token. Make one with `mcp-oauth-proxy secret` (or `openssl rand -base64 32`)" }}
{{- end }}
{{- if not $downstreams }}
{{- fail "downstreams: name at least one MCP server (or proxy.hosts)" }}
{{- end }}
{{- if .Values.proxy.disableConsentScreen }}
{{- fail "proxy.disableConsentScreen: consent can't be turned off for clients that nobody registered; set clients.preRegistered.<id>.trusted for yours" }}
{{- end }}
{{- if and .Values.proxy.hosts (not .Values.provider.name) }}
{{- fail "proxy.hosts: name who users sign in with in provider.name, provider.clientID and provider.clientSecret" }}
{{- end }}
{{- if and .Values.proxy.hosts (not .Values.provider.allowedEmailDomains) }}
{{- fail "provider.allowedEmailDomains: name the domains whose users may sign in; for everybody, or for users and groups, write a downstream with allowEveryone, allowedUsers or allowedGroups instead of proxy.hosts" }}
{{- end }}
{{- if and (or .Values.autoscaling.enabled (gt (int .Values.replicaCount) 1)) (not .Values.store.urlRef.name) (not (hasPrefix "redis" .Values.store.url)) }}
{{- fail "store.url: several replicas have to share what was spent and revoked; name a Redis (redis://host:6379/0), or its Secret in store.urlRef" }}
{{- end }}
{{- $grace := .Values.server.shutdownGrace | default 10 | int }}
{{- if le (int .Values.terminationGracePeriodSeconds) (add (int .Values.preStopSleep) $grace | int) }}
{{- fail "terminationGracePeriodSeconds: has to be longer than preStopSleep and server.shutdownGrace together, else streams are cut" }}
{{- end }}
{{- end }}
