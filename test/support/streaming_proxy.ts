// A proxy in a process of its own, as `serve` starts one: lifts its own limits first. Argument: the downstream's URL.
// Prints one line of JSON, { port, token }, and runs until it is killed.
import { currentRuntime } from "../../lib/runtime/runtime.ts";
import { startMcpProxy } from "./mcp_proxy.ts";

currentRuntime().raiseOutgoingLimit();
const { port, token } = await startMcpProxy(process.argv[2]!, { server: { sseKeepaliveSeconds: 20 } });
console.log(JSON.stringify({ port, token }));
