// Deno: has no idle limit and no cap on outgoing requests; its client sends a request again when the connection breaks,
// on a kept connection and on a new one alike, unless the body is a stream.
import type { Runtime } from "./runtime.ts";

/** As much of Deno as is used. */
declare const Deno: {
  serve(
    options: { hostname: string; port: number; reusePort: boolean; signal: AbortSignal; onListen: () => void },
    fetch: (
      request: Request,
      info: { remoteAddr: { hostname?: string }; completed: Promise<void> },
    ) => Response | Promise<Response>,
  ): { addr: { port: number }; finished: Promise<void>; shutdown(): Promise<void> };
  permissions: { querySync(permission: { name: string }): { state: string } };
  mainModule: string;
  createHttpClient(options: { poolMaxIdlePerHost: number }): unknown;
};

export const denoRuntime: Runtime = {
  name: "deno",
  get outgoingFetchOptions(): RequestInit {
    return { client: unpooledClient() } as RequestInit;
  },
  get singleUseConnection(): RequestInit {
    return { client: unpooledClient() } as RequestInit;
  },
  resendsBodies: true,

  bodyOf: (pieces) =>
    new ReadableStream({
      async pull(controller) {
        const piece = await pieces.next();
        if (piece === undefined) controller.close();
        else controller.enqueue(piece);
      },
      cancel: (reason) => pieces.cancel(reason),
    }, { highWaterMark: 0 }),

  serve({ host, port, fetch, sharesPort = false }) {
    const abort = new AbortController();
    let running = 0;
    let noneRuns: PromiseWithResolvers<void> | undefined;
    const ended = () => {
      if (--running > 0) return;
      noneRuns?.resolve();
      noneRuns = undefined;
    };
    const server = Deno.serve(
      { hostname: host, port, reusePort: sharesPort, signal: abort.signal, onListen: () => {} },
      (request, info) => {
        running++;
        info.completed.then(ended, ended);
        if (notInHosts.test(request.headers.get("host") ?? "")) return new Response(null, { status: 400 });
        return fetch(request, { remoteAddress: info.remoteAddr.hostname ?? "", keepOpen: () => {} });
      },
    );
    return {
      port: server.addr.port,
      async idle() {
        if (running > 0) await (noneRuns ??= Promise.withResolvers()).promise;
      },
      async stop(graceSeconds) {
        if (graceSeconds === 0) {
          abort.abort();
          await server.finished;
          return;
        }
        let grace: ReturnType<typeof setTimeout> | undefined;
        await Promise.race([
          server.shutdown(),
          new Promise<void>((resolve) => grace = setTimeout(resolve, graceSeconds * 1000)),
        ]);
        clearTimeout(grace);
      },
    };
  },

  raiseOutgoingLimit: () => true,

  ownCommand(args) {
    // What was given in part can't be listed, and a child must not get more than its parent.
    const given = permissionNames.filter((name) => Deno.permissions.querySync({ name }).state === "granted");
    const missing = neededPermissions.filter((name) => !given.includes(name));
    if (missing.length > 0) {
      throw new Error(
        `a program of its own needs ${missing.map((name) => `--allow-${name}`).join(", ")} without a list`,
      );
    }
    return [
      process.execPath,
      "run",
      "--no-prompt",
      "--unstable-net", // a shared port is unstable in Deno 2
      ...given.map((name) => `--allow-${name}`),
      Deno.mainModule,
      ...args,
    ];
  },
};

/** Deno puts Host into the URL as it came, so that `Host: x/apps?` would ask for /apps, whatever path was asked for. */
const notInHosts = /[/?#\\@\s]/;

const neededPermissions = ["net", "read", "write", "env"];
const permissionNames = [...neededPermissions, "run", "sys", "ffi"];

let client: unknown;

/** One connection per request: a kept one that has died would cost the request, because it is not sent again. */
function unpooledClient(): unknown {
  return client ??= Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
}
