// A body as Bun writes it without a queue in between.
import type { Pieces } from "./runtime.ts";

/** What Bun hands to the source of a stream of type "direct". */
interface DirectController {
  /** A number: it is written or copied. A promise: it will be, and the client is behind. */
  write(bytes: Uint8Array): number | Promise<number>;
  flush(): number | Promise<number>;
  /** With an error: the body breaks off, and Bun says nothing of it. */
  close(error?: Error): void;
}

export function directBody(pieces: Pieces): ReadableStream<Uint8Array> {
  const source = {
    type: "direct",
    async pull(controller: DirectController): Promise<void> {
      try {
        for (let piece = await pieces.next(); piece !== undefined; piece = await pieces.next()) {
          const written = controller.write(piece);
          await (written instanceof Promise ? written : controller.flush());
          pieces.written(piece);
        }
        controller.close();
      } catch (error) {
        controller.close(error as Error); // a rejection here would be nobody's when the client has left
      }
    },
    cancel: (reason: unknown) => pieces.cancel(reason),
  };
  return new ReadableStream(source as unknown as UnderlyingDefaultSource<Uint8Array>);
}
