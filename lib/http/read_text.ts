import { OAuthError } from "../oauth/errors.ts";

/**
 * The body as text, whether its length was announced or not.
 *
 * @throws OAuthError `invalid_request`, status 413, beyond `maxBytes`
 */
export async function readText(request: Request, maxBytes: number): Promise<string> {
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function tooLarge(maxBytes: number): OAuthError {
  return new OAuthError("invalid_request", `the body is larger than ${maxBytes} bytes`, { status: 413 });
}
