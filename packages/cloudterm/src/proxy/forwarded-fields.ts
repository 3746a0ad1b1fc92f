import type { Upstream } from "./upstream.js";

/** A request as a proxy sees it, whatever server carries it. */
export interface ProxiedRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** Name, value, name, value … as they came. */
  readonly fields: readonly string[];
  readonly address: string;
  readonly scheme: string;
  readonly host: string;
}

/** Fields of one connection (RFC 9110 §7.6.1), which `Connection` may add to. */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
/** What proves who somebody is to the gateway: no upstream is to have it. */
const CREDENTIALS = new Set([
  "cookie",
  "cookie2",
  "authorization",
  "proxy-authorization",
  "x-csrf-token",
  "x-xsrf-token",
]);
/** What only a proxy may say: of a client it is a lie. `X_Forwarded_User` is read as `X-Forwarded-User` by CGI. */
const CLAIMS = /^(x-forwarded|x-real-ip|x-original|x-rewrite|x-remote|x-auth|x-webauth|remote-|forwarded)/;
/** What an upstream may not set for the gateway's origin. */
const OF_THE_GATEWAY = new Set([
  "set-cookie",
  "set-cookie2",
  "clear-site-data",
  "strict-transport-security",
  "alt-svc",
]);

/** The fields that go to the upstream: without credentials, claims and those of the connection. */
export function fieldsForUpstream(request: ProxiedRequest, upstream: Upstream): [string, string][] {
  const dropped = namedByConnection(request.fields);
  const kept: [string, string][] = [["Host", upstream.authority]];
  for (let i = 0; i < request.fields.length; i += 2) {
    const name = request.fields[i]!;
    const key = name.toLowerCase().replaceAll("_", "-");
    if (HOP_BY_HOP.has(key) || CREDENTIALS.has(key) || CLAIMS.test(key) || dropped.has(key)) continue;
    if (key === "host" || key === "expect" || key.startsWith("sec-websocket-")) continue;
    // The upstream's own pages are what talks to it, from its point of view.
    const value = key === "origin" ? originOf(upstream) : request.fields[i + 1]!;
    if (key === "referer") continue;
    kept.push([name, value]);
  }
  kept.push(["X-Forwarded-For", request.address]);
  kept.push(["X-Forwarded-Proto", request.scheme], ["X-Forwarded-Host", request.host]);
  return kept;
}

/** The fields of the upstream's answer that go to the client. */
export function fieldsForClient(
  {
    rawHeaders: fields,
    statusCode,
  }: { readonly rawHeaders: readonly string[]; readonly statusCode?: number | undefined },
  upstream: Upstream,
  prefix: string,
): [string, string][] {
  const dropped = namedByConnection(fields);
  const kept: [string, string][] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    const key = name.toLowerCase();
    if (HOP_BY_HOP.has(key) || dropped.has(key) || OF_THE_GATEWAY.has(key) || key === "date") continue;
    // RFC 9110 §8.6: whoever believes it waits for a body that does not come.
    if (statusCode === 204 && key === "content-length") continue;
    kept.push([name, key === "location" ? relocated(fields[i + 1]!, upstream, prefix) : fields[i + 1]!]);
  }
  return kept;
}

export function originOf({ secure, authority }: Upstream): string {
  return `${secure ? "https" : "http"}://${authority}`;
}

/** A redirect of the upstream to itself leads to where the gateway has it. */
function relocated(location: string, upstream: Upstream, prefix: string): string {
  const origin = originOf(upstream);
  const own = location === origin || location.startsWith(`${origin}/`);
  const path = own ? location.slice(origin.length) || "/" : location;
  return path.startsWith("/") && !path.startsWith("//") ? `${prefix}${path}` : location;
}

function namedByConnection(fields: readonly string[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i]!.toLowerCase() !== "connection") continue;
    for (const name of fields[i + 1]!.split(",")) names.add(name.trim().toLowerCase().replaceAll("_", "-"));
  }
  return names;
}
