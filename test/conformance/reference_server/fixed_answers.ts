// What the conformance suite expects a server to answer without asking anybody: content of every type, notifications on the way, an error.
import { setTimeout as pause } from "node:timers/promises";
import type { CallToolResult, McpServer, ServerContext } from "@modelcontextprotocol/server";
import { fromJsonSchema } from "@modelcontextprotocol/server";

export type Arguments = Record<string, unknown>;
type Content = CallToolResult["content"];

/** A red PNG of one pixel and a WAV without samples, base64. */
export const pixelPng = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";
const silentWav = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=";

export const text = (value: string) => ({ type: "text" as const, text: value });
/** An object schema with these properties; the named ones are required. */
export const object = (properties: Record<string, object> = {}, required: string[] = []) =>
  fromJsonSchema<Arguments>({ type: "object", properties, required });

const embedded = (uri: string, mimeType: string, value: string) => ({
  type: "resource" as const,
  resource: { uri, mimeType, text: value },
});

const contents: Record<string, Content> = {
  test_simple_text: [text("This is a simple text response for testing.")],
  test_image_content: [{ type: "image", data: pixelPng, mimeType: "image/png" }],
  test_audio_content: [{ type: "audio", data: silentWav, mimeType: "audio/wav" }],
  test_embedded_resource: [
    embedded("test://embedded-resource", "text/plain", "This is an embedded resource content."),
  ],
  test_multiple_content_types: [
    text("Multiple content types test:"),
    { type: "image", data: pixelPng, mimeType: "image/png" },
    embedded("test://mixed-content-resource", "application/json", JSON.stringify({ test: "data", value: 123 })),
  ],
  test_streaming_elicitation: [text("nothing was asked")],
};

/** The schema that the scenario json-schema-2020-12 wants to see again, keyword for keyword. */
const everyKeyword = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object" as const,
  $defs: {
    address: {
      $anchor: "addressDef",
      type: "object",
      properties: { street: { type: "string" }, city: { type: "string" } },
    },
  },
  properties: {
    name: { type: "string" },
    address: { $ref: "#/$defs/address" },
    contactMethod: { type: "string", enum: ["phone", "email"] },
    phone: { type: "string" },
    email: { type: "string" },
  },
  allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
  if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
  then: { required: ["phone"] },
  else: { required: ["email"] },
  additionalProperties: false,
};

async function log(ctx: ServerContext, data: string): Promise<void> {
  await ctx.mcpReq.notify({ method: "notifications/message", params: { level: "info", data } });
}

/**
 * Registers the tools that answer by themselves.
 *
 * @param closeStream ends the SSE stream of a session's request early, so that the client has to come back for the answer
 */
export function registerFixedAnswers(server: McpServer, closeStream: (ctx: ServerContext) => void): void {
  for (const [name, content] of Object.entries(contents)) {
    server.registerTool(name, { description: `answers with fixed content (${name})` }, async () => ({ content }));
  }
  server.registerTool("test_error_handling", { description: "always fails" }, () => {
    throw new Error("This tool intentionally returns an error for testing");
  });
  server.registerTool(
    "test_tool_with_logging",
    { description: "logs three times", inputSchema: object() },
    async (_, ctx) => {
      await log(ctx, "Tool execution started");
      await pause(50);
      await log(ctx, "Tool processing data");
      await pause(50);
      await log(ctx, "Tool execution completed");
      return { content: [text("logged three times")] };
    },
  );
  server.registerTool(
    "test_logging_tool",
    { description: "logs once, only when the request asked for logs", inputSchema: object() },
    async (_, ctx) => {
      await ctx.mcpReq.log("info", "asked for");
      return { content: [text("done")] };
    },
  );
  server.registerTool(
    "test_tool_with_progress",
    { description: "reports 0, 50 and 100 of 100", inputSchema: object() },
    async (_, ctx) => {
      const progressToken = ctx.mcpReq._meta?.progressToken;
      for (const progress of progressToken === undefined ? [] : [0, 50, 100]) {
        await ctx.mcpReq.notify({
          method: "notifications/progress",
          params: { progressToken: progressToken!, progress, total: 100, message: `${progress} of 100` },
        });
        await pause(50);
      }
      return { content: [text(String(progressToken ?? "no progress token"))] };
    },
  );
  server.registerTool(
    "test_reconnection",
    { description: "closes its stream before it answers (SEP-1699)", inputSchema: object() },
    async (_, ctx) => {
      closeStream(ctx);
      await pause(100);
      return { content: [text("the client came back for this")] };
    },
  );
  server.registerTool(
    "json_schema_2020_12_tool",
    { description: "has a schema with every JSON Schema 2020-12 keyword", inputSchema: fromJsonSchema(everyKeyword) },
    async (args) => ({ content: [text(JSON.stringify(args))] }),
  );
  server.registerTool(
    "test_x_mcp_header",
    {
      description: "has an argument that is also sent as a header (SEP-2243)",
      inputSchema: object({ region: { type: "string", "x-mcp-header": "Region" }, level: { type: "integer" } }),
    },
    async (args) => ({ content: [text(String(args.region ?? "no region"))] }),
  );
}
