import type { IncomingMessage } from "node:http";
import type { ServerRequest } from "@tz/server";

/**
 * Whether a page that the request's own authority served may have sent it (RFC 6454 §4): scheme, host and port are
 * equal, or there is no `Origin`, as from programs. Host names are judged elsewhere: DNS rebinding makes both agree.
 */
export function isSameOrigin(request: ServerRequest): boolean {
  const { scheme, host } = request.client;
  return agrees(request.field("origin"), scheme, host);
}

/** {@link isSameOrigin} for `node:http`; `X-Forwarded-…` is not asked. */
export function isSameOriginNode(request: IncomingMessage): boolean {
  const scheme = "encrypted" in request.socket ? "https" : "http";
  return agrees(request.headers.origin, scheme, request.headers.host);
}

function agrees(origin: string | undefined, scheme: string | undefined, host: string | undefined): boolean {
  if (origin === undefined) return true;
  if (host === undefined) return false;
  try {
    // Parsed on both sides: a default port is left out, letters are in lower case.
    return new URL(origin).origin === new URL(`${scheme}://${host}`).origin && origin !== "null";
  } catch {
    return false;
  }
}
