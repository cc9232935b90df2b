// Which resource a request is for: the one published on its host, the one named in its path, or the only one there is.
import type { Resource } from "../config/config.ts";

export interface Asked {
  host: string;
  /** The whole path. */
  pathname: string;
  /** `<name>` of a path that holds `/mcp/<name>`. */
  name?: string;
}

/** The resource that a path belongs to; undefined when nothing is published there. */
export function findResource(resources: readonly Resource[], { host, pathname, name }: Asked): Resource | undefined {
  const own = resources.find((resource) => resource.ownHost !== undefined && isSameHost(resource.ownHost.host, host));
  if (own !== undefined) return isPathOf(own, pathname) && isNamed(own, name, pathname) ? own : undefined;
  const byPath = resources.filter((resource) => resource.ownHost === undefined);
  if (name !== undefined) return byPath.find((resource) => resource.name === name);
  // Clients that strip the path still find the only one.
  return resources.length === 1 && isPathOf(byPath[0], pathname) ? byPath[0] : undefined;
}

/** A URL that leads to one resource and no other. */
export interface OwnUrl {
  /** As the runtimes write the URL of a request, http for both schemes. */
  href: string;
  url: { host: string; pathname: string; search: string };
  name?: string;
  resource: Resource;
}

/**
 * The whole URLs under which one path of app.ts is found for each resource, as `findResource` would find it. There are more: other
 * spellings of the host, the root of the only resource.
 *
 * @param path with or without `:name`
 */
export function ownUrls(resources: readonly Resource[], publicUrl: string, path: string): OwnUrl[] {
  const { host: publicHost } = new URL(publicUrl);
  const ownUrl = (resource: Resource, { host, pathname }: { host: string; pathname: string }) => {
    const url = { host, pathname, search: "" };
    return { href: `http://${host}${pathname}`, url, resource };
  };
  if (!path.includes(":name")) {
    return resources.flatMap((resource) =>
      resource.ownHost === undefined ? [] : [ownUrl(resource, { host: resource.ownHost.host, pathname: path })]
    );
  }
  if (resources.some(({ ownHost }) => ownHost !== undefined && isSameHost(ownHost.host, publicHost))) return [];
  return resources.filter(({ ownHost }) => ownHost === undefined).map((resource) => ({
    ...ownUrl(resource, { host: publicHost, pathname: path.replace(":name", resource.name) }),
    name: resource.name,
  }));
}

/** A well-known document may be asked for at the root or with the resource's path as suffix (RFC 9728 §3.1, RFC 8414 §3.1). */
function isPathOf(resource: Resource | undefined, pathname: string): boolean {
  if (resource === undefined) return false;
  const suffix = /^\/\.well-known\/[^/]+(\/.*)$/.exec(pathname)?.[1];
  return suffix === undefined || suffix === new URL(resource.urls.resource).pathname;
}

/** A path that names another resource is not this one's, unless its own path happens to look like that. */
function isNamed({ name, ownHost }: Resource, asked: string | undefined, pathname: string): boolean {
  return asked === undefined || asked === name || pathname.endsWith(ownHost!.path);
}

/**
 * The host a request is for. What the request itself names comes first, where something is published there: whoever may write
 * X-Forwarded-Host through a careless proxy would otherwise choose which resource its token is checked for.
 */
export function chooseHost(named: string, forwarded: string | undefined, published: readonly string[]): string {
  return forwarded === undefined || published.some((host) => isSameHost(host, named)) ? named : forwarded;
}

/** The hosts under which something is published. */
export function publishedHosts(resources: readonly Resource[], publicUrl: string): string[] {
  return [new URL(publicUrl).host, ...resources.flatMap(({ ownHost }) => ownHost?.host ?? [])];
}

/** Case and a default port don't count (RFC 9110 §4.2.3). */
function isSameHost(a: string, b: string): boolean {
  const normal = (host: string) => host.toLowerCase().replace(/:(80|443)$/, "").replace(/\.$/, "");
  return normal(a) === normal(b);
}
