import { ServerError } from "../errors.js";
import type { ServerRequest } from "../request.js";
import type { Handler } from "../server-core.js";

/** What Hono, itty-router, Remix and others call `fetch`: a web `Request` in, a web `Response` out. */
export type FetchHandler = (request: Request) => Response | Promise<Response>;

export interface FetchOptions {
  /**
   * Leave the prefix in the URL that the handler sees. Default `false`: mounted at `/api`, `/api/users` is `/users` to the
   * handler, as with Hono's own `mount`.
   */
  readonly keepPrefix?: boolean;
}

/** What a `fetch` request cannot have. */
const WITHOUT_BODY = new Set(["GET", "HEAD"]);

/**
 * A handler that asks a Fetch handler. The request's body is streamed with back-pressure, its signal aborts when the
 * client goes away; the response is streamed as it comes.
 */
export function fetchHandler(fetch: FetchHandler, prefix: string): Handler {
  // Async: what `fetch` throws at once is a rejection too, and the request is kept.
  return async (request) => fetch(webRequest(request, prefix));
}

/** What a `Request` refuses to be (WHATWG Fetch §2.2.1). */
const FORBIDDEN_METHODS = new Set(["CONNECT", "TRACE", "TRACK"]);
/** A segment that a URL parser takes away (WHATWG URL §4.4), or what it takes for a slash. */
const REWRITTEN = /(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)|\\/i;

/**
 * A web `Request` for a request, whose URL has lost `prefix`.
 *
 * Its URL has the path that hooks and middleware have seen: one that a URL parser would change is refused.
 * @throws ServerError `TZ_SERVER_URL` (400) for a path with `.` or `..` as a segment, plain or percent-encoded, or with a
 *   backslash, and for a host that no URL can have; `TZ_SERVER_METHOD` (501)
 */
export function webRequest(request: ServerRequest, prefix = ""): Request {
  const { method, target, path, body, client } = request;
  if (FORBIDDEN_METHODS.has(method.toUpperCase())) {
    throw new ServerError("TZ_SERVER_METHOD", `a Fetch handler cannot be asked by ${method}`);
  }
  if (REWRITTEN.test(path)) {
    throw new ServerError("TZ_SERVER_URL", "the path has a dot segment or a backslash");
  }
  const rest = withoutPrefix(target, prefix);
  const url = `${client.scheme}://${client.host || "localhost"}${target === "*" ? "/" : rest}`;
  if (!URL.canParse(url)) throw new ServerError("TZ_SERVER_URL", "the host is none that a URL can have");
  const init: RequestInit & { duplex?: "half" } = {
    method,
    headers: headersOf(request),
    signal: request.signal,
  };
  if (body !== null && !WITHOUT_BODY.has(method)) {
    init.body = ReadableStream.from(body) as unknown as ReadableStream<Uint8Array>;
    init.duplex = "half";
  }
  return new Request(url, init);
}

/** By segments: the router has decoded the path, so that the prefix may have come in another spelling. */
function withoutPrefix(target: string, prefix: string): string {
  if (prefix === "") return target;
  const query = target.indexOf("?");
  const pathEnd = query < 0 ? target.length : query;
  let at = 0;
  for (let left = prefix.split("/").length - 1; left > 0 && at < pathEnd; left--) {
    const slash = target.indexOf("/", at + 1);
    at = slash < 0 || slash > pathEnd ? pathEnd : slash;
  }
  return at < pathEnd ? target.slice(at) : `/${target.slice(pathEnd)}`;
}

function headersOf(request: ServerRequest): [string, string][] {
  return Object.entries(request.fields());
}
