// Whether a server is up is asked seldom, however often the home page is loaded.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Resource } from "../../lib/config/config.ts";
import { createServerStatus } from "../../lib/discovery/server_status.ts";

const resource = (downstreamUrl?: string) => ({ name: "notes", downstreamUrl }) as Resource;

test("the home page's visitors together make one connection to a server, and one in flight is shared", async () => {
  const asked: string[] = [];
  const statusOf = createServerStatus({
    isReachable: (url) => {
      asked.push(url.origin);
      return Promise.resolve(url.port === "1");
    },
  });
  const both = await Promise.all([statusOf(resource("http://a:1/mcp")), statusOf(resource("http://a:1/other"))]);
  assert.deepEqual([...both, await statusOf(resource("http://a:1/mcp"))], [true, true, true]);
  assert.equal(await statusOf(resource("http://a:2/mcp")), false);
  assert.deepEqual(asked, ["http://a:1", "http://a:2"]);
});

test("nothing is said of a server whose traffic a reverse proxy carries", async () => {
  const statusOf = createServerStatus({ isReachable: () => Promise.reject(new Error("asked all the same")) });
  assert.equal(await statusOf(resource()), undefined);
});
