import { OAuthError } from "../oauth/errors.ts";
import { collectBytes } from "./collected_bytes.ts";

/**
 * The body as text, whether its length was announced or not.
 *
 * @param limits `withinMs`: for the whole body, however steadily it comes; without it whoever calls sees to that
 * @throws OAuthError `invalid_request`: 413 beyond `maxBytes`, 408 when it takes too long
 */
export async function readText(
  request: Request,
  { maxBytes, withinMs }: { maxBytes: number; withinMs?: number },
): Promise<string> {
  const announced = Number(request.headers.get("content-length") ?? NaN);
  if (announced > maxBytes) throw tooLarge(maxBytes);
  // Its framing holds the sender to the length. Without a look at `request.body`, which would make a stream of it.
  if (Number.isInteger(announced)) return await inTime(request.text(), withinMs);
  return await unannounced(request, { maxBytes, withinMs });
}

function inTime(text: Promise<string>, withinMs: number | undefined): Promise<string> {
  if (withinMs === undefined) return text;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(tooSlow(withinMs)), withinMs);
    text.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

async function unannounced(
  request: Request,
  { maxBytes, withinMs }: { maxBytes: number; withinMs: number | undefined },
): Promise<string> {
  if (request.body === null) return "";
  const reader = request.body.getReader();
  let isLate = false;
  const timer = withinMs === undefined ? undefined : setTimeout(() => {
    isLate = true;
    void reader.cancel().catch(() => {}); // ends the read below
  }, withinMs);
  const body = collectBytes();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (isLate) throw tooSlow(withinMs!);
      if (done) return body.text();
      if (body.size + value.byteLength > maxBytes) throw tooLarge(maxBytes);
      body.push(value);
    }
  } catch (error) {
    void reader.cancel(error).catch(() => {}); // it is broken already, or nobody reads on
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function tooLarge(maxBytes: number): OAuthError {
  return new OAuthError("invalid_request", `the body is larger than ${maxBytes} bytes`, { status: 413 });
}

function tooSlow(withinMs: number): OAuthError {
  return new OAuthError("invalid_request", `the body took longer than ${withinMs / 1000} s`, { status: 408 });
}
