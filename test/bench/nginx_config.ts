// nginx with one worker, in the foreground, as fast as it goes: connections are kept, nothing is logged.

/** @param http what stands in the http block, besides what every nginx here has */
export function nginxConfig(folder: string, name: string, http: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `${kind}_temp_path ${folder}/${name}_${kind};`).join(" ");
  // As root, the worker would be somebody who may not read the folder.
  const user = process.getuid?.() === 0 ? "user root;" : "";
  return `daemon off; master_process off; ${user} pid ${folder}/${name}.pid; error_log stderr crit;
events { worker_connections 60000; }
http {
  access_log off;
  ${temporary}
  keepalive_requests 100000000;
  keepalive_timeout 1h;
  client_body_buffer_size 64k;
  ${http}
}
`;
}
