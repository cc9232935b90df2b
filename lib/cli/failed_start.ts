/** What keeps a server from listening, in words, on standard error. */
export function explainFailedStart(error: unknown, { host, port }: { host: string; port: number }): undefined {
  const code = (error as { code?: unknown }).code;
  const text = error instanceof Error ? error.message : String(error);
  if (code === "EADDRINUSE" || /in use/i.test(text)) {
    console.error(`${host}:${port} is taken by another program; stop it, or set server.port or --port`);
  } else if (code === "EACCES" || /permission denied/i.test(text)) {
    console.error(`not allowed to listen on ${host}:${port}; ports below 1024 need root or CAP_NET_BIND_SERVICE`);
  } else {
    console.error(`could not start: ${text}`);
  }
}
