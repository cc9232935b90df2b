// The resources, prompts and completions that the conformance suite reads.
import type { McpServer } from "@modelcontextprotocol/server";
import { ResourceTemplate } from "@modelcontextprotocol/server";
import { object, pixelPng, text } from "./fixed_answers.ts";

type Registered = { mimeType: string; text?: string; blob?: string };

const resources: Record<string, Registered> = {
  "test://static-text": { mimeType: "text/plain", text: "This is the content of the static text resource." },
  "test://static-binary": { mimeType: "image/png", blob: pixelPng },
  "test://watched-resource": { mimeType: "text/plain", text: "This never changes." },
};

export function registerResourcesAndPrompts(server: McpServer): void {
  for (const [uri, { mimeType, ...content }] of Object.entries(resources)) {
    server.registerResource(
      uri.slice("test://".length),
      uri,
      { description: `fixed (${uri})`, mimeType },
      async () => ({
        contents: [{ uri, mimeType, ...content } as { uri: string; mimeType: string; text: string }],
      }),
    );
  }
  server.registerResource(
    "template",
    new ResourceTemplate("test://template/{id}/data", { list: undefined }),
    { description: "answers with its id", mimeType: "application/json" },
    async (uri, { id }) => ({
      contents: [{
        uri: uri.href,
        mimeType: "application/json",
        text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
      }],
    }),
  );
  server.server.setRequestHandler("resources/subscribe", async () => ({}));
  server.server.setRequestHandler("resources/unsubscribe", async () => ({}));
  server.server.setRequestHandler("logging/setLevel", async () => ({}));
  server.server.setRequestHandler("completion/complete", async () => ({
    completion: { values: ["paris", "park"], total: 2, hasMore: false },
  }));

  const user = (content: object) => ({ role: "user" as const, content: content as ReturnType<typeof text> });
  server.registerPrompt("test_simple_prompt", { description: "fixed" }, async () => ({
    messages: [user(text("This is a simple prompt for testing."))],
  }));
  server.registerPrompt("test_prompt_with_image", { description: "fixed, with an image" }, async () => ({
    messages: [
      user({ type: "image", data: pixelPng, mimeType: "image/png" }),
      user(text("Please analyze the image above.")),
    ],
  }));
  const string = { type: "string" };
  server.registerPrompt(
    "test_prompt_with_arguments",
    { description: "repeats its arguments", argsSchema: object({ arg1: string, arg2: string }, ["arg1", "arg2"]) },
    async ({ arg1, arg2 }) => ({
      messages: [user(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`))],
    }),
  );
  server.registerPrompt(
    "test_prompt_with_embedded_resource",
    { description: "embeds a resource", argsSchema: object({ resourceUri: string }, ["resourceUri"]) },
    async ({ resourceUri }) => ({
      messages: [
        user({
          type: "resource",
          resource: {
            uri: String(resourceUri),
            mimeType: "text/plain",
            text: "Embedded resource content for testing.",
          },
        }),
        user(text("Please process the embedded resource above.")),
      ],
    }),
  );
}
