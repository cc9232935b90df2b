// POST /register (RFC 7591 §3): client metadata in, a client_id out.
import { readText } from "../http/read_text.ts";
import { noStore, publicCors } from "../http/response_headers.ts";
import { OAuthError } from "../oauth/errors.ts";
import type { Clients } from "./client.ts";

const maxBodyBytes = 65_536;
const withinMs = 30_000;

export function registrationEndpoint(deps: { clients: Clients }): (request: Request) => Promise<Response> {
  return async (request) => {
    const metadata = await readJson(request);
    const information = await deps.clients.register(metadata);
    return Response.json(information, { status: 201, headers: { ...noStore, ...publicCors } });
  };
}

async function readJson(request: Request): Promise<unknown> {
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/json *(;|$)/i.test(type)) {
    throw new OAuthError("invalid_client_metadata", "the body must be application/json");
  }
  const text = await readText(request, { maxBytes: maxBodyBytes, withinMs });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new OAuthError("invalid_client_metadata", "the body must be valid JSON", { cause });
  }
}
