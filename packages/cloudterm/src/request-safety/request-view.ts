import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";

/**
 * What the checks ask of a request. `@tz/server`: `{ method, upgrade, field, scheme: request.client.scheme, host:
 * request.client.host }`; for `node:http` and Fetch see below.
 */
export interface RequestView {
  readonly method: string;
  /** It asks for another protocol: a WebSocket. */
  readonly upgrade: boolean;
  /** As the client sees it: behind a proxy that is trusted, what that says. */
  readonly scheme: "http" | "https";
  /** `host[:port]` that the client asked for. */
  readonly host: string;
  /** A field by lower-case name. */
  field(name: string): string | undefined;
}

/** A request of `node:http`; without a proxy in front of it. */
export function nodeRequestView(request: IncomingMessage): RequestView {
  return {
    method: request.method ?? "GET",
    upgrade: request.headers.upgrade !== undefined,
    scheme: (request.socket as TLSSocket).encrypted === true ? "https" : "http",
    host: request.headers.host ?? "",
    field: (name) => {
      const value = request.headers[name];
      return Array.isArray(value) ? value.join(", ") : value;
    },
  };
}

/** A Fetch request, by its URL. */
export function webRequestView(request: Request): RequestView {
  const { protocol, host } = new URL(request.url);
  return {
    method: request.method,
    upgrade: request.headers.has("upgrade"),
    scheme: protocol === "https:" ? "https" : "http",
    host,
    field: (name) => request.headers.get(name) ?? undefined,
  };
}
