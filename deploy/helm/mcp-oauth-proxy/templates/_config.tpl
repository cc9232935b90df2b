{{/* A map with its keys in snake_case and without nulls, as YAML. */}}
{{- define "mcp-oauth-proxy.snake" -}}
{{- $out := dict }}
{{- range $key, $value := . }}
{{- if not (kindIs "invalid" $value) }}{{ $_ := set $out (snakecase $key) $value }}{{ end }}
{{- end }}
{{- toYaml $out }}
{{- end }}

{{/* config.toml. Holds no secret: those are references to the container's environment. */}}
{{- define "mcp-oauth-proxy.config" -}}
{{- $server := include "mcp-oauth-proxy.snake" (omit .Values.server "stateSecret" "stateSecretRef" "previousStateSecretRefs" "retiredStateSecretRefs") | fromYaml }}
{{- $_ := set $server "state_secret" "env:MCP_PROXY_STATE_SECRET" }}
{{- if .Values.server.previousStateSecretRefs }}
{{- $previous := list }}
{{- range $index, $ref := .Values.server.previousStateSecretRefs }}{{ $previous = append $previous (printf "env:SECRET_PREVIOUS_STATE_%d" $index) }}{{ end }}
{{- $_ := set $server "previous_state_secrets" $previous }}
{{- end }}
{{- if .Values.server.retiredStateSecretRefs }}
{{- $retired := list }}
{{- range $index, $ref := .Values.server.retiredStateSecretRefs }}{{ $retired = append $retired (printf "env:SECRET_RETIRED_STATE_%d" $index) }}{{ end }}
{{- $_ := set $server "retired_state_secrets" $retired }}
{{- end }}
{{- $config := dict "server" $server }}

{{- $downstreams := dict }}
{{- range $name, $downstream := include "mcp-oauth-proxy.downstreams" . | fromYaml }}
{{- $variable := $name | upper | replace "-" "_" }}
{{- $table := include "mcp-oauth-proxy.snake" (omit $downstream "oauth" "credential" "credentialRef") | fromYaml }}
{{- range $key, $value := omit ($downstream.oauth | default dict) "clientSecret" "clientSecretRef" }}
{{- if not (kindIs "invalid" $value) }}{{ $_ := set $table (printf "oauth_%s" (snakecase $key)) $value }}{{ end }}
{{- end }}
{{- with $downstream.oauth }}
{{- if or .clientSecret .clientSecretRef }}{{ $_ := set $table "oauth_client_secret" (printf "env:MCP_PROXY_%s_CLIENT_SECRET" $variable) }}{{ end }}
{{- end }}
{{- if or $downstream.credential $downstream.credentialRef }}{{ $_ := set $table "credential" (printf "env:SECRET_CREDENTIAL_%s" $variable) }}{{ end }}
{{- $_ := set $downstreams $name $table }}
{{- end }}
{{- $_ := set $config "downstream" $downstreams }}

{{- $providers := dict }}
{{- range $name, $provider := include "mcp-oauth-proxy.providers" . | fromYaml }}
{{- $table := include "mcp-oauth-proxy.snake" (omit $provider "clientSecret" "clientSecretRef") | fromYaml }}
{{- $_ := set $table "client_secret" (printf "env:SECRET_PROVIDER_%s" (regexReplaceAll "[^A-Z0-9]" (upper $name) "_")) }}
{{- $_ := set $providers $name $table }}
{{- end }}
{{- if $providers }}{{ $_ := set $config "provider" $providers }}{{ end }}

{{- $clients := include "mcp-oauth-proxy.snake" (omit .Values.clients "preRegistered") | fromYaml }}
{{- with .Values.proxy.allowedRedirectURLs }}{{ $_ := set $clients "redirects" . }}{{ end }}
{{- if $clients }}{{ $_ := set $config "clients" $clients }}{{ end }}
{{- $known := dict }}
{{- range $id, $client := .Values.clients.preRegistered }}
{{- $table := include "mcp-oauth-proxy.snake" (omit $client "clientSecret" "clientSecretRef") | fromYaml }}
{{- if or $client.clientSecret $client.clientSecretRef }}{{ $_ := set $table "client_secret" (printf "env:SECRET_CLIENT_%s" (regexReplaceAll "[^A-Z0-9]" (upper $id) "_")) }}{{ end }}
{{- $_ := set $known $id $table }}
{{- end }}
{{- if $known }}{{ $_ := set $config "client" $known }}{{ end }}

{{- with include "mcp-oauth-proxy.snake" .Values.tokens | fromYaml }}{{ $_ := set $config "tokens" . }}{{ end }}
{{- with include "mcp-oauth-proxy.snake" .Values.rateLimit | fromYaml }}{{ $_ := set $config "rate_limit" . }}{{ end }}
{{- $_ := set $config "store" (dict "url" (ternary "env:SECRET_STORE_URL" .Values.store.url (not (not .Values.store.urlRef.name)))) }}
{{- $_ := set $config "log" (dict "level" .Values.logging.level "format" "json") }}
{{- if include "mcp-oauth-proxy.metricsOn" . }}
{{- $_ := set $config "metrics" (dict "listen" (printf "0.0.0.0:%d" (int .Values.metrics.port))) }}
{{- end }}
{{- /* Helm's numbers are floats: 300.0, 1.048576e+07 */}}
{{- range $line := toToml $config | trim | splitList "\n" }}
{{- $number := regexFind "= [0-9][0-9.e+]*$" $line | trimPrefix "= " }}
{{- if $number }}{{ $line = printf "%s= %d" (regexReplaceAll "= [^=]*$" $line "") ($number | float64 | int64) }}{{ end }}
{{ $line }}
{{- end }}
{{- end }}
