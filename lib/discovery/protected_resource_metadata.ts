// RFC 9728 §2.
import type { Described } from "./authorization_server_metadata.ts";

/** One canonical `resource`, whichever form of the well-known URL was asked. `offline_access` is never a resource's scope. */
export function protectedResourceMetadata({ resource, scopes }: Described): Record<string, unknown> {
  const wanted = scopes.filter((scope) => scope !== "offline_access");
  return {
    resource: resource.urls.resource,
    authorization_servers: [resource.urls.issuer],
    ...(wanted.length === 0 ? {} : { scopes_supported: wanted }),
    bearer_methods_supported: ["header"],
    resource_name: resource.displayName,
  };
}
