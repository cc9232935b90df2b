# syntax=docker/dockerfile:1
# The binary on a base that holds a C library, CA certificates and nothing to run: no shell, no package manager.
#   npm run build -- linux-x64-baseline linux-arm64 && docker build -t mcp-oauth-proxy .
#   docker run --read-only --cap-drop ALL -p 8080:8080 -v ./config.toml:/etc/mcp-oauth-proxy/config.toml:ro \
#     -e MCP_PROXY_STATE_SECRET mcp-oauth-proxy
# No configuration and no secret is inside.
# Set by the builder for each platform. A default would win over that, and put the amd64 binary into every image.
ARG TARGETARCH

FROM scratch AS amd64
# The build for CPUs without AVX2: nobody knows where an image will run.
COPY --chmod=0755 dist/mcp-oauth-proxy-linux-x64-baseline /usr/bin/mcp-oauth-proxy

FROM scratch AS arm64
COPY --chmod=0755 dist/mcp-oauth-proxy-linux-arm64 /usr/bin/mcp-oauth-proxy

FROM ${TARGETARCH} AS binary

# A tag, not a digest: pin it to the digest that the release's own pull has shown.
FROM gcr.io/distroless/base-nossl-debian12:nonroot
COPY --from=binary /usr/bin/mcp-oauth-proxy /usr/bin/mcp-oauth-proxy
COPY LICENSE /usr/share/doc/mcp-oauth-proxy/copyright
# Without it the runtime allows 256 outgoing requests at a time, and open streams count.
ENV BUN_CONFIG_MAX_HTTP_REQUESTS=65535
USER 65532:65532
EXPOSE 8080
# For Docker and Podman; Kubernetes asks /healthz and /readyz from outside (the chart's probes). With another port on the command
# line or another file, give the same to the check.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
  CMD ["/usr/bin/mcp-oauth-proxy", "check", "--health", "-c", "/etc/mcp-oauth-proxy/config.toml"]
ENTRYPOINT ["/usr/bin/mcp-oauth-proxy"]
CMD ["serve", "-c", "/etc/mcp-oauth-proxy/config.toml"]
