// An answer whose body is another one than the downstream's.
import type { Answer, ByteReader } from "../http1/answer.ts";
import { FieldList } from "../http1/field_list.ts";

/** An answer with the head of another. The length announced there was that of the other body. */
export function editedAnswer(
  { status, fields: before }: Pick<Answer, "status" | "fields">,
  body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
): Answer {
  const fields = new FieldList([...before.parts]);
  fields.delete("content-length");
  if (body instanceof ReadableStream) {
    const reader = body.getReader();
    return {
      status,
      fields,
      reader: () => reader,
      whole: () => Promise.reject(new TypeError("a stream is not read whole")),
      discard: () => void reader.cancel().catch(() => {}), // nobody waits for its end
    };
  }
  fields.set("content-length", String(body.length));
  return { status, fields, reader: () => new Blob([body]).stream().getReader(), whole: () => body, discard: () => {} };
}

export function streamOf(reader: ByteReader): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}
