// Reading a form body: its type, its size, each parameter once.
import { OAuthError } from "../oauth/errors.ts";
import { type Parameters, parseParameters } from "../oauth/parameters.ts";
import { readText } from "./read_text.ts";

const maxFormBytes = 65_536;
const withinMs = 30_000;

/**
 * The parameters of an `application/x-www-form-urlencoded` body (RFC 6749 §3.2, appendix B).
 *
 * @throws OAuthError `invalid_request` for another type, a repeated parameter, (413) more than 64 KiB, or (408) 30 s
 */
export async function readForm(request: Request): Promise<Parameters> {
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/x-www-form-urlencoded *(;|$)/i.test(type)) {
    throw new OAuthError("invalid_request", "the body must be application/x-www-form-urlencoded");
  }
  return parseParameters(new URLSearchParams(await readText(request, { maxBytes: maxFormBytes, withinMs })));
}
