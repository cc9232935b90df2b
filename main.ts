import { run } from "./lib/cli/cli.ts";

await run(process.argv);
