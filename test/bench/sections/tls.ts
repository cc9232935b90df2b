// TLS to the downstream: what it adds over plain HTTP, ours and nginx's.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { testAuthority } from "../../support/test_certificates.ts";
import { startDownstream, tlsName } from "../downstream.ts";
import { forwardRequest } from "../forward_rows.ts";
import { compareLoads } from "../load_table.ts";
import { startOurs } from "../ours.ts";
import { startRival } from "../rivals.ts";
import type { Section } from "../section.ts";

export const tls: Section = {
  id: "tls",
  title: "Forwarding to a downstream with TLS",
  async run(settings) {
    await using stack = new AsyncDisposableStack();
    const authority = join(settings.folder, "authority.pem");
    writeFileSync(authority, testAuthority);
    const plain = stack.use(await startDownstream(settings));
    const secure = stack.use(await startDownstream(settings, { tls: true }));
    const env = { NODE_EXTRA_CA_CERTS: authority };
    const verify =
      `proxy_ssl_verify on; proxy_ssl_trusted_certificate ${authority}; proxy_ssl_server_name on; proxy_ssl_name ${tlsName};`;
    const nginx = await startRival("nginx", settings, { target: plain.openUrl });
    const nginxTls = await startRival("nginx", settings, { target: secure.openUrl, nginxLocation: verify });
    const ours = await startOurs(settings, { downstreamUrl: plain.checkedUrl, env });
    const oursTls = await startOurs(settings, { downstreamUrl: secure.checkedUrl, env });
    for (const { process } of [nginx, nginxTls, ours, oursTls]) stack.use(process);
    const rows = [
      { name: "nginx, plain", contender: nginx, request: await forwardRequest(ours) },
      { name: "nginx, TLS", contender: nginxTls, request: await forwardRequest(ours) },
      { name: "mcp-oauth-proxy, plain", contender: ours, request: await forwardRequest(ours) },
      { name: "mcp-oauth-proxy, TLS", contender: oursTls, request: await forwardRequest(oursTls) },
    ];
    return await compareLoads(settings, rows, ["Certificates are verified and connections kept by both."]);
  },
};
