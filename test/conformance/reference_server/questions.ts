// What the conformance suite expects a server to ask its client: until 2025-11-25 as requests of its own (sampling, elicitation),
// in 2026-07-28 as an `input_required` result that the client answers by calling again (SEP-2322).
import type {
  CallToolResult,
  InputRequests,
  InputRequiredResult,
  McpServer,
  ServerContext,
} from "@modelcontextprotocol/server";
import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  createRequestStateCodec,
  inputRequired,
} from "@modelcontextprotocol/server";
import { object, text } from "./fixed_answers.ts";

type Answer = Promise<CallToolResult | InputRequiredResult>;
type Round = { tool: string; round: number };

/** Seals what a server remembers between two rounds; one key per process. */
export const roundState = createRequestStateCodec<Round>({ key: crypto.getRandomValues(new Uint8Array(32)) });

const done = (value: string): CallToolResult => ({ content: [text(value)] });
const ask = (message: string, field: string, type: "string" | "boolean" = "string") => {
  const property = type === "string" ? { type } : { type };
  return inputRequired.elicit({
    message,
    requestedSchema: { type: "object", properties: { [field]: property }, required: [field] },
  });
};
const complete = (question: string, maxTokens: number) =>
  inputRequired.createMessage({ messages: [{ role: "user", content: { type: "text", text: question } }], maxTokens });
const accepted = (ctx: ServerContext, key: string) => acceptedContent(ctx.mcpReq.inputResponses, key);
const answered = (ctx: ServerContext, key: string) =>
  ctx.mcpReq.inputResponses?.[key] as Record<string, unknown> | undefined;

/** Tools of 2026-07-28 by name. Each asks until the call brings what it needs. */
const tools: Record<string, (ctx: ServerContext) => Answer> = {
  async test_input_required_result_elicitation(ctx) {
    const name = accepted(ctx, "user_name")?.name;
    if (typeof name === "string") return done(`Hello, ${name}!`);
    return inputRequired({ inputRequests: { user_name: ask("What is your name?", "name") } });
  },
  async test_input_required_result_sampling(ctx) {
    const answer = answered(ctx, "capital_question");
    if (answer) return done(JSON.stringify(answer.content));
    return inputRequired({ inputRequests: { capital_question: complete("What is the capital of France?", 100) } });
  },
  async test_missing_capability(ctx) {
    const answer = answered(ctx, "llm_answer");
    if (answer) return done(JSON.stringify(answer.content));
    return inputRequired({ inputRequests: { llm_answer: complete("Say pong", 10) } });
  },
  async test_input_required_result_list_roots(ctx) {
    const answer = answered(ctx, "client_roots");
    if (Array.isArray(answer?.roots)) return done(JSON.stringify(answer.roots));
    return inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } });
  },
  async test_input_required_result_request_state(ctx) {
    if (accepted(ctx, "confirm") && ctx.mcpReq.requestState()) return done("state-ok");
    return confirm("request_state");
  },
  async test_input_required_result_tampered_state(ctx) {
    if (accepted(ctx, "confirm") && ctx.mcpReq.requestState()) return done("the state is ours");
    return confirm("tampered_state");
  },
  async test_input_required_result_multiple_inputs(ctx) {
    const [name, greeting, roots] = [
      accepted(ctx, "user_name"),
      answered(ctx, "greeting"),
      answered(ctx, "client_roots"),
    ];
    if (name && greeting && roots) return done(JSON.stringify([name, greeting.content, roots.roots]));
    return inputRequired({
      inputRequests: {
        user_name: ask("What is your name?", "name"),
        greeting: complete("Generate a greeting", 50),
        client_roots: inputRequired.listRoots(),
      },
      requestState: await roundState.mint({ tool: "multiple_inputs", round: 1 }),
    });
  },
  async test_input_required_result_multi_round(ctx) {
    const round = ctx.mcpReq.requestState<Round>()?.round ?? 0;
    if (round === 2) return done(`both steps answered: ${JSON.stringify(accepted(ctx, "step2"))}`);
    const step: InputRequests = round === 0
      ? { step1: ask("Step 1: What is your name?", "name") }
      : { step2: ask("Step 2: What is your favorite color?", "color") };
    const requestState = await roundState.mint({ tool: "multi_round", round: round + 1 });
    return inputRequired({ inputRequests: step, requestState });
  },
  async test_input_required_result_capabilities(ctx) {
    if (ctx.mcpReq.inputResponses) return done("answered");
    const envelope: Record<string, unknown> = ctx.mcpReq.envelope ?? {};
    const declared = Object(envelope[CLIENT_CAPABILITIES_META_KEY]);
    const inputRequests: InputRequests = {};
    if ("elicitation" in declared) inputRequests.user_name = ask("What is your name?", "name");
    if ("sampling" in declared) inputRequests.greeting = complete("Generate a greeting", 50);
    if ("roots" in declared) inputRequests.client_roots = inputRequired.listRoots();
    return Object.keys(inputRequests).length > 0 ? inputRequired({ inputRequests }) : done("nothing to ask");
  },
};

async function confirm(tool: string): Answer {
  const requestState = await roundState.mint({ tool, round: 1 });
  return inputRequired({ inputRequests: { confirm: ask("Please confirm", "ok", "boolean") }, requestState });
}

const oneOf = (kind: string) =>
  ["First", "Second", "Third"].map((n, i) => ({ const: `value${i + 1}`, title: `${n} ${kind}` }));
const options = ["option1", "option2", "option3"];

/** Forms of the elicitation tools until 2025-11-25: plain, with defaults (SEP-1034), with every kind of enum (SEP-1330). */
const forms: Record<string, Record<string, object>> = {
  test_elicitation: { username: { type: "string" }, email: { type: "string" } },
  test_elicitation_sep1034_defaults: {
    name: { type: "string", default: "John Doe" },
    age: { type: "integer", default: 30 },
    score: { type: "number", default: 95.5 },
    status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
    verified: { type: "boolean", default: true },
  },
  test_elicitation_sep1330_enums: {
    untitledSingle: { type: "string", enum: options },
    titledSingle: { type: "string", oneOf: oneOf("Option") },
    legacyEnum: {
      type: "string",
      enum: ["opt1", "opt2", "opt3"],
      enumNames: ["Option One", "Option Two", "Option Three"],
    },
    untitledMulti: { type: "array", items: { type: "string", enum: options } },
    titledMulti: { type: "array", items: { anyOf: oneOf("Choice") } },
  },
};

/** Registers the tools that ask the client, and the prompt that does (the prompt takes the same road as the tools). */
export function registerQuestions(server: McpServer): void {
  for (const [name, answer] of Object.entries(tools)) {
    server.registerTool(
      name,
      { description: `asks by input_required (${name})`, inputSchema: object() },
      (_, ctx) => answer(ctx),
    );
  }
  for (const [name, properties] of Object.entries(forms)) {
    const inputSchema = object({ message: { type: "string" } });
    server.registerTool(
      name,
      { description: `asks by elicitation/create (${name})`, inputSchema },
      async (args, ctx) => {
        const params = {
          message: String(args.message ?? "Please fill in"),
          requestedSchema: { type: "object" as const, properties, required: [] },
        };
        const result = await ctx.mcpReq.send({ method: "elicitation/create", params } as never);
        return done(JSON.stringify(result));
      },
    );
  }
  server.registerTool(
    "test_sampling",
    { description: "asks by sampling/createMessage", inputSchema: object({ prompt: { type: "string" } }, ["prompt"]) },
    async (args, ctx) => {
      const messages = [{ role: "user" as const, content: text(String(args.prompt)) }];
      const result = await ctx.mcpReq.send({ method: "sampling/createMessage", params: { messages, maxTokens: 100 } });
      return done(`LLM response: ${JSON.stringify(result)}`);
    },
  );
  server.registerPrompt(
    "test_input_required_result_prompt",
    { description: "asks for its context", argsSchema: object() },
    async (_, ctx) => {
      const context = accepted(ctx, "user_context")?.context;
      if (typeof context === "string") return { messages: [{ role: "user", content: text(context) }] };
      const user_context = ask("What context should the prompt use?", "context");
      return inputRequired({ inputRequests: { user_context } });
    },
  );
}
