{{/* Every secret as a list of { env, key, value } (ours) or { env, ref } (yours), as YAML. A value such as "file:/…" is a reference already. */}}
{{- define "mcp-oauth-proxy.secrets" -}}
{{- $list := list }}
{{- with .Values.server }}
{{- $list = append $list (dict "env" "MCP_PROXY_STATE_SECRET" "key" "state-secret" "value" .stateSecret "ref" .stateSecretRef) }}
{{- range $index, $ref := .previousStateSecretRefs }}
{{- $list = append $list (dict "env" (printf "SECRET_PREVIOUS_STATE_%d" $index) "ref" $ref) }}
{{- end }}
{{- range $index, $ref := .retiredStateSecretRefs }}
{{- $list = append $list (dict "env" (printf "SECRET_RETIRED_STATE_%d" $index) "ref" $ref) }}
{{- end }}
{{- end }}
{{- range $name, $downstream := include "mcp-oauth-proxy.downstreams" . | fromYaml }}
{{- $variable := $name | upper | replace "-" "_" }}
{{- with $downstream.oauth }}
{{- if or .clientSecret .clientSecretRef }}
{{- $list = append $list (dict "env" (printf "MCP_PROXY_%s_CLIENT_SECRET" $variable) "key" (printf "%s-client-secret" $name) "value" .clientSecret "ref" .clientSecretRef) }}
{{- end }}
{{- end }}
{{- if or $downstream.credential $downstream.credentialRef }}
{{- $list = append $list (dict "env" (printf "SECRET_CREDENTIAL_%s" $variable) "key" (printf "%s-credential" $name) "value" $downstream.credential "ref" $downstream.credentialRef) }}
{{- end }}
{{- end }}
{{- range $name, $provider := include "mcp-oauth-proxy.providers" . | fromYaml }}
{{- $variable := regexReplaceAll "[^A-Z0-9]" (upper $name) "_" }}
{{- $list = append $list (dict "env" (printf "SECRET_PROVIDER_%s" $variable) "key" (printf "provider-%s-client-secret" $name) "value" $provider.clientSecret "ref" $provider.clientSecretRef) }}
{{- end }}
{{- range $id, $client := .Values.clients.preRegistered }}
{{- if or $client.clientSecret $client.clientSecretRef }}
{{- $variable := regexReplaceAll "[^A-Z0-9]" (upper $id) "_" }}
{{- $list = append $list (dict "env" (printf "SECRET_CLIENT_%s" $variable) "key" (printf "client-%s-secret" $id) "value" $client.clientSecret "ref" $client.clientSecretRef) }}
{{- end }}
{{- end }}
{{- if .Values.store.urlRef.name }}
{{- $list = append $list (dict "env" "SECRET_STORE_URL" "ref" .Values.store.urlRef) }}
{{- end }}
{{- toYaml (dict "list" $list) }}
{{- end }}

{{/* The data of our own Secret: what was written into the values. */}}
{{- define "mcp-oauth-proxy.secretData" -}}
{{- range (include "mcp-oauth-proxy.secrets" . | fromYaml).list }}
{{- if and .value (not (dig "name" "" (.ref | default dict))) }}
{{ .key }}: {{ .value | quote }}
{{- end }}
{{- end }}
{{- end }}
