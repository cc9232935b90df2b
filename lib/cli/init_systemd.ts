// init --systemd: the unit on standard output, what to do on standard error. Writes nothing: all of it belongs to root.
import unit from "../../deploy/systemd/mcp-oauth-proxy.service" with { type: "text" };
import { type Options, UsageError } from "./command_line.ts";

const steps = `To run mcp-oauth-proxy as a service (the .deb does all of this but steps 3 and 5):

  1. sudo install -m 0755 mcp-oauth-proxy /usr/bin/
  2. The secret, readable by root only; the service gets it from systemd:
       sudo install -d -m 0755 /etc/mcp-oauth-proxy && sudo install -d -m 0700 /etc/mcp-oauth-proxy/secrets
       mcp-oauth-proxy secret | sudo install -m 0600 /dev/stdin /etc/mcp-oauth-proxy/secrets/state
  3. /etc/mcp-oauth-proxy/config.toml (mode 0644, so without secrets): mcp-oauth-proxy init writes one; put into it
       state_secret = "file:/run/credentials/mcp-oauth-proxy.service/secrets_state"
       [store]
       url = "sqlite:/var/lib/mcp-oauth-proxy/state.db"
     Other secrets likewise: /etc/mcp-oauth-proxy/secrets/NAME is "file:/run/credentials/mcp-oauth-proxy.service/secrets_NAME".
  4. mcp-oauth-proxy init --systemd | sudo tee /etc/systemd/system/mcp-oauth-proxy.service >/dev/null
  5. sudo systemctl daemon-reload && sudo systemctl enable --now mcp-oauth-proxy
     Then: systemctl status mcp-oauth-proxy, journalctl -u mcp-oauth-proxy

After a change of config.toml: sudo systemctl reload mcp-oauth-proxy. After a change of a secret: restart.`;

/** @returns the exit code. @throws UsageError for init's other options, which write a file */
export function initSystemd(others: Options): number {
  const [other] = Object.keys(others);
  if (other !== undefined) throw new UsageError(`init --systemd only prints; --${other} belongs to init without it.`);
  console.error(steps);
  console.log(unit.trimEnd());
  return 0;
}
