// What fetch gave, as the proxy passes it on.
import type { Answer } from "../http1/answer.ts";
import { FieldList } from "../http1/field_list.ts";

export function fetchedAnswer(response: Response): Answer {
  return {
    status: response.status,
    fields: fieldsOf(response.headers),
    reader: () => response.body?.getReader() ?? null,
    whole: () => readWhole(response),
    discard: () => void response.body?.cancel().catch(() => {}), // its connection breaks or goes back; nobody waits for either
  };
}

function fieldsOf(headers: Headers): FieldList {
  const fields = new FieldList();
  headers.forEach((value, name) => fields.append(name, value));
  return fields;
}

/**
 * Without a look at `response.body`, which would make a stream of it. What is not encoded is as long as announced. Of the rest,
 * which Deno decodes, nobody knows what becomes of it.
 *
 * @throws Error for more than was announced
 */
async function readWhole(response: Response): Promise<Uint8Array<ArrayBuffer> | ArrayBuffer> {
  const { body } = response.headers.has("content-encoding") ? response : { body: null };
  if (body === null) return await response.arrayBuffer();
  const announced = Number(response.headers.get("content-length"));
  const limit = Math.max(announced, 65_536);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) throw new Error("the body is longer than announced");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks) as Uint8Array<ArrayBuffer>;
}
