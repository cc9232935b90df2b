// Telling systemd (Type=notify) that the service is ready or ends: sd_notify(3).

/** `READY=1` once it listens, `STOPPING=1` when it drains. */
export type ServiceState = "READY=1" | "STOPPING=1";

/**
 * Sends a state to the service manager, where there is one (`NOTIFY_SOCKET` is set).
 *
 * The protocol is a datagram to a unix socket, which neither runtime can send: `systemd-notify`, which is on every system that
 * runs systemd, sends it. The unit needs `NotifyAccess=all` for that.
 *
 * @returns true when sent, false where nobody listens. @throws Error when it can't be sent; a start would then time out
 */
export async function notifyServiceManager(state: ServiceState, env = process.env): Promise<boolean> {
  if (!env.NOTIFY_SOCKET) return false;
  const { execFile } = await import("node:child_process");
  await new Promise<void>((sent, fail) => {
    execFile("systemd-notify", [state], { env, timeout: 5000 }, (error) => error ? fail(error) : sent());
  });
  return true;
}
