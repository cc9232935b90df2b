// GET /.well-known/…: the same document for everybody.
import type { Config, Resource } from "../config/config.ts";
import { publicCors, publicDocument } from "../http/response_headers.ts";
import { authorizationServerMetadata, openidConfiguration } from "./authorization_server_metadata.ts";
import { protectedResourceMetadata } from "./protected_resource_metadata.ts";

type Document = "authorization server" | "openid configuration" | "protected resource";

export function metadataEndpoint(config: Config, document: Document): (resource: Resource) => Response {
  const build = {
    "authorization server": (resource: Resource) => authorizationServerMetadata(resource, config),
    "openid configuration": (resource: Resource) => openidConfiguration(resource, config),
    "protected resource": protectedResourceMetadata,
  }[document];
  return (resource) => Response.json(build(resource), { headers: { ...publicDocument, ...publicCors } });
}
