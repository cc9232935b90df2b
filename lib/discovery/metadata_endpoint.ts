// GET /.well-known/…: the same document for everybody.
import type { Resource } from "../config/config.ts";
import type { Deps } from "../deps.ts";
import { publicCors, publicDocument } from "../http/response_headers.ts";
import { authorizationServerMetadata, openidConfiguration } from "./authorization_server_metadata.ts";
import { protectedResourceMetadata } from "./protected_resource_metadata.ts";

const documents = {
  "authorization server": authorizationServerMetadata,
  "openid configuration": openidConfiguration,
  "protected resource": protectedResourceMetadata,
};

export function metadataEndpoint(
  { config, scopes }: Pick<Deps, "config" | "scopes">,
  document: keyof typeof documents,
): (request: Request, resource: Resource) => Promise<Response> {
  const build = documents[document];
  return async (_request, resource) => {
    const described = { resource, config, scopes: await scopes.supported(resource) };
    return Response.json(build(described), { headers: { ...publicDocument, ...publicCors } });
  };
}
