// oidc-provider (certified OpenID provider) with its own login and consent pages, for tests. JavaScript, because it runs on Node.
// arguments: JSON of { clientId, clientSecret, redirectUris, accounts: { [login]: claims } }; prints {"port":N} once it listens.
// With mcp: { resource, rotates, methods } it is an MCP server's provider: registers anybody, issues JWTs for that resource.
// A line {"accounts":{...}} on standard input replaces the accounts.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import Provider, { errors } from "oidc-provider";

const options = JSON.parse(process.argv[2]);
let { accounts } = options;

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address();
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [{
      client_id: options.clientId,
      client_secret: options.clientSecret,
      redirect_uris: options.redirectUris,
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
    }],
    claims: {
      openid: ["sub"],
      profile: ["preferred_username"],
      email: ["email", "email_verified"],
      groups: ["groups"],
    },
    scopes: ["openid", "offline_access", "profile", "email", "groups"],
    rotateRefreshToken: options.mcp?.rotates ?? true,
    ...(options.mcp === undefined ? {} : providerOfMcpServer(options.mcp)),
    cookies: { keys: ["only for tests"] },
    async findAccount(_context, id) {
      return accounts[id] === undefined ? undefined : {
        accountId: id,
        claims: () => ({ sub: id, ...accounts[id] }),
      };
    },
  });
  server.on("request", provider.callback());
  console.log(JSON.stringify({ port }));
});

function providerOfMcpServer({ resource, methods }) {
  return {
    clientAuthMethods: methods,
    pkce: { required: () => true },
    features: {
      registration: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo(_context, indicator) {
          if (indicator !== resource) throw new errors.InvalidTarget();
          return {
            scope: "files:read files:write",
            audience: resource,
            accessTokenFormat: "jwt",
            accessTokenTTL: 3600,
          };
        },
      },
    },
  };
}

createInterface({ input: process.stdin }).on("line", (line) => {
  accounts = JSON.parse(line).accounts;
  console.log(JSON.stringify({ accounts: Object.keys(accounts) }));
}).on("close", () => process.exit(0)); // never outlives the test that started it
