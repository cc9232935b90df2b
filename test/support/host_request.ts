// One request with a Host header of the test's choice, which fetch does not allow everywhere.
import { request } from "node:http";

export interface Sent {
  host?: string;
  method?: string;
  headers?: Record<string, string>;
  body?: Record<string, unknown>;
  type?: string;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  json<Body = Record<string, string>>(): Body;
  /** `name=value` of each cookie set. */
  cookies: string[];
  location: URL;
}

/** With a Host header of our own, as a reverse proxy with TLS in front would send it. */
export function sendTo(
  port: number,
  path: string,
  { host, method, headers = {}, body, type }: Sent,
): Promise<Answer> {
  const payload = body === undefined
    ? undefined
    : type === "application/json"
    ? JSON.stringify(body)
    : new URLSearchParams(body as Record<string, string>).toString();
  return new Promise((settle, reject) => {
    const outgoing = request({
      host: "127.0.0.1",
      port,
      path,
      method: method ?? (payload === undefined ? "GET" : "POST"),
      headers: {
        ...(host === undefined ? {} : { host }),
        ...(payload === undefined ? {} : { "content-type": type ?? "application/x-www-form-urlencoded" }),
        ...headers,
      },
    }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part) => text += part).on("end", () =>
        settle({
          status: answer.statusCode!,
          headers: answer.headers,
          text,
          json: () => JSON.parse(text),
          cookies: answer.headers["set-cookie"] ?? [],
          location: new URL(answer.headers.location ?? "about:blank"),
        }));
    });
    outgoing.on("error", reject);
    outgoing.end(payload);
  });
}
