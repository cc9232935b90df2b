// RFC 9728 §2.
import type { Resource } from "../config/config.ts";

/** One canonical `resource`, whichever form of the well-known URL was asked. `offline_access` is never a resource's scope. */
export function protectedResourceMetadata(resource: Resource): Record<string, unknown> {
  const scopes = resource.scopes.filter((scope) => scope !== "offline_access");
  return {
    resource: resource.urls.resource,
    authorization_servers: [resource.urls.issuer],
    ...(scopes.length === 0 ? {} : { scopes_supported: scopes }),
    bearer_methods_supported: ["header"],
    resource_name: resource.displayName,
  };
}
