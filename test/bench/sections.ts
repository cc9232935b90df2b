// Every section of the bench, in the order in which they run.
import type { Section } from "./section.ts";
import { authenticate } from "./sections/authenticate.ts";
import { binarySize } from "./sections/binary_size.ts";
import { coldStart } from "./sections/cold_start.ts";
import { forward } from "./sections/forward.ts";

export const sections: readonly Section[] = [forward, authenticate, coldStart, binarySize];
