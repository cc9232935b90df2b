// GET /oauth-client: who we are at the providers of downstreams that are OAuth-protected themselves.
import type { Resource } from "../config/config.ts";
import { publicDocument } from "../http/response_headers.ts";
import { clientMetadataDocument } from "./client_metadata_document.ts";

/** 404 where we are nobody's client this way. */
export function clientMetadataEndpoint(_request: Request, resource: Resource): Response {
  const { strategy } = resource;
  return strategy.kind === "chained_oauth" && strategy.provider === undefined
    ? Response.json(clientMetadataDocument(resource), { headers: publicDocument })
    : Response.json({ error: "not_found", error_description: "this server registers nowhere by document" }, {
      status: 404,
    });
}
