// An MCP server that wants an access token of its own provider: 401 with a challenge, protected resource metadata (RFC 9728),
// 403 for missing scopes. It takes the tokens that are in `provider.live`.
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { FakeProvider } from "./fake_provider.ts";

export interface ProtectedMcpServer {
  /** Ends in /mcp. */
  url: string;
  /** Bearer tokens that came, undefined for none. */
  tokens: (string | undefined)[];
  /** Paths of metadata that were asked for. */
  discoveries: string[];
  [Symbol.asyncDispose](): Promise<void>;
}

export interface ProtectedMcpOptions {
  /** `scope` of the 401. */
  challengedScope?: string;
  /** Changes the metadata document before it is served; undefined: there is none. */
  metadata?: (document: Record<string, unknown>) => Record<string, unknown> | undefined;
  /** Where the document is, when the challenge says nothing of it. */
  metadataAt?: string;
  /** `resource_metadata` of the 401, when it is not the server's own. */
  metadataUrl?: string;
  /** The scope that a token must have been given; else 403. */
  requiredScope?: () => string | undefined;
  /** Only GET is known at /mcp, as the legacy transport has it. */
  legacy?: boolean;
}

const wellKnown = "/.well-known/oauth-protected-resource/mcp";

export async function startProtectedMcpServer(
  provider: FakeProvider,
  options: ProtectedMcpOptions = {},
): Promise<ProtectedMcpServer> {
  function challenge(): string {
    const metadata = options.metadataUrl ?? new URL(wellKnown, mcp.url).href;
    const scope = options.challengedScope === undefined ? "" : `, scope="${options.challengedScope}"`;
    return `Basic realm="x, y", Bearer error="invalid_token"${scope}` +
      (options.metadataAt === undefined ? `, resource_metadata="${metadata}"` : "");
  }

  function document(): Record<string, unknown> | undefined {
    const own = { resource: mcp.url, authorization_servers: [provider.url] };
    return options.metadata === undefined ? own : options.metadata(own);
  }

  function lacksScope(token: string): boolean {
    const required = options.requiredScope?.();
    return required !== undefined && !(provider.scopes.get(token) ?? "").split(" ").includes(required);
  }

  function refusal(request: IncomingMessage): [status: number, challenge?: string] | undefined {
    if (options.legacy && request.method !== "GET") return [405];
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    mcp.tokens.push(token);
    if (token === undefined || !provider.live.has(token)) return [401, challenge()];
    return lacksScope(token)
      ? [403, `Bearer error="insufficient_scope", scope="${options.requiredScope!()}"`]
      : undefined;
  }

  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      const { pathname } = new URL(request.url!, "http://mcp");
      if (pathname === "/mcp") {
        const [status, header] = refusal(request) ?? [200];
        response.writeHead(status, {
          "content-type": "application/json",
          ...(header === undefined ? {} : { "www-authenticate": header }),
        });
        response.end('{"jsonrpc":"2.0","id":1,"result":{}}');
        return;
      }
      mcp.discoveries.push(pathname);
      const found = pathname === (options.metadataAt ?? wellKnown) ? document() : undefined;
      if (found === undefined) response.writeHead(404).end();
      else response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(found));
    });
  });
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  const mcp: ProtectedMcpServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    tokens: [],
    discoveries: [],
    [Symbol.asyncDispose]: () =>
      new Promise((settle) => {
        server.closeAllConnections();
        server.close(() => settle());
      }),
  };
  return mcp;
}
