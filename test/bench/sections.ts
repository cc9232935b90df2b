// Every section of the bench, in the order in which they run.
import type { Section } from "./section.ts";
import { authenticate } from "./sections/authenticate.ts";
import { binarySize } from "./sections/binary_size.ts";
import { bodies } from "./sections/bodies.ts";
import { coldStart } from "./sections/cold_start.ts";
import { deno } from "./sections/deno.ts";
import { downstreams } from "./sections/downstreams.ts";
import { forward } from "./sections/forward.ts";
import { latency } from "./sections/latency.ts";
import { memory } from "./sections/memory.ts";
import { stores } from "./sections/stores.ts";
import { streams } from "./sections/streams.ts";
import { tls } from "./sections/tls.ts";
import { token } from "./sections/token.ts";
import { workers } from "./sections/workers.ts";

export const sections: readonly Section[] = [
  forward,
  latency,
  authenticate,
  token,
  streams,
  bodies,
  coldStart,
  memory,
  binarySize,
  deno,
  tls,
  workers,
  downstreams,
  stores,
];
