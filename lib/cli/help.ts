// What --help prints.

export const help = `mcp-oauth-proxy: OAuth in front of MCP servers.

  mcp-oauth-proxy [serve] [-c config.toml] [-p 8080] [--host 0.0.0.0] [--workers N]
                                run the proxy
  mcp-oauth-proxy demo [-p 8080]
                                run a built-in MCP server and the proxy in front of it, on this machine only
  mcp-oauth-proxy init [-o config.toml]
                                write a commented config with a fresh secret; asks what it needs
  mcp-oauth-proxy init --systemd
                                print the systemd unit, and what to do with it
  mcp-oauth-proxy check [-c config.toml]
                                list every problem of the config, then try each MCP server; with --public see what
                                doctor sees, too
  mcp-oauth-proxy check --health [-c config.toml] [-p 8080] [--host ADDRESS]
                                ask the server on this machine whether it is alive, as a container's health check
  mcp-oauth-proxy doctor [URL] [--long] [--json]
                                see the public URL as an MCP client on the outside does: names, certificate, discovery,
                                the 401, blocked user agents, streams held back or cut; the config's servers without URL
  mcp-oauth-proxy secret        print a fresh state secret

  -c, --config FILE   the configuration (default: $MCP_PROXY_CONFIG, else config.toml)
  -p, --port PORT     port to listen on, instead of the file's
      --host ADDRESS  address to listen on, instead of the file's
      --workers N     serve: N processes that share the port, with a store of kind sqlite or redis (Linux)
      --long          doctor: watch streams for 150 s as well (--seconds N: for N)
  -h, --help          this text
  -V, --version       the version

init in a script:
  mcp-oauth-proxy init --public-url https://mcp.example.com \\
      --name linear --url https://mcp.linear.app/mcp [--strategy passthrough] [--header X-API-Key]
  mcp-oauth-proxy init --public-url https://mcp.example.com --name github --url https://api.githubcopilot.com/mcp/ \\
      --strategy chained_oauth --authorize-url URL --token-url URL --client-id ID --client-secret env:GITHUB_SECRET
  mcp-oauth-proxy init --public-url https://mcp.example.com --name wiki --url http://wiki:3000/mcp \\
      --strategy login --provider google --client-id ID --client-secret env:GOOGLE_SECRET --allow-domain example.com

Environment: MCP_PROXY_STATE_SECRET, MCP_PROXY_<NAME>_CLIENT_SECRET and LOG_LEVEL beat the file.
Exit codes: 0 fine, 1 the configuration or a check failed, 2 wrong usage.`;
