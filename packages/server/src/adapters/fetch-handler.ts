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

/** A web `Request` for a request, whose URL has lost `prefix`. */
export function webRequest(request: ServerRequest, prefix = ""): Request {
  const { method, target, body, client } = request;
  const rest = withoutPrefix(target, prefix);
  const url = `${client.scheme}://${client.host || "localhost"}${target === "*" ? "/" : rest}`;
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
