import type { Attributes } from "@opentelemetry/api";
import type { RequestEvent } from "../observe/request-event.js";

/**
 * Names and attributes of server spans by OpenTelemetry's semantic conventions for HTTP (stable since 1.23):
 * https://opentelemetry.io/docs/specs/semconv/http/http-spans/
 */
const KNOWN_METHODS = new Set([
  "CONNECT",
  "DELETE",
  "GET",
  "HEAD",
  "OPTIONS",
  "PATCH",
  "POST",
  "PUT",
  "QUERY",
  "TRACE",
]);
const OTHER = "_OTHER";
/** Signatures in a query are as good as passwords: the conventions have their values hidden. */
const SECRET_PARAMETER = /(^|&)(AWSAccessKeyId|Signature|sig|X-Goog-Signature|X-Amz-Signature)=[^&]*/g;
const DEFAULT_PORTS = { http: 80, https: 443 } as const;

/** Of few different values: never the path. */
export function spanName({ method, route }: RequestEvent): string {
  const name = KNOWN_METHODS.has(method) ? method : "HTTP";
  return route === undefined ? name : `${name} ${route}`;
}

/** What is known when a request begins. @param fields lower-case names of fields that are told too */
export function requestAttributes(event: RequestEvent, fields: readonly string[]): Attributes {
  const { method, target, scheme, httpVersion } = event;
  const isKnown = KNOWN_METHODS.has(method);
  const query = target.indexOf("?");
  const attributes: Attributes = {
    "http.request.method": isKnown ? method : OTHER,
    "url.path": query < 0 ? target : target.slice(0, query),
    "url.scheme": scheme,
    "network.protocol.version": httpVersion,
    ...serverAttributes(event),
  };
  if (!isKnown) attributes["http.request.method_original"] = method;
  if (query >= 0) {
    attributes["url.query"] = target.slice(query + 1).replace(SECRET_PARAMETER, "$1$2=REDACTED");
  }
  // Unix sockets have neither.
  if (event.clientAddress !== "") attributes["client.address"] = event.clientAddress;
  if (event.peerAddress !== "") {
    attributes["network.peer.address"] = event.peerAddress;
    attributes["network.peer.port"] = event.peerPort;
  }
  const agent = event.field("user-agent");
  if (agent !== undefined) attributes["user_agent.original"] = agent;
  for (const name of fields) {
    const value = event.field(name);
    if (value !== undefined) attributes[`http.request.header.${name}`] = [value];
  }
  return attributes;
}

function serverAttributes({ host, scheme }: RequestEvent): Attributes {
  const [, name = "", port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(host) ?? [];
  if (name === "") return {};
  return {
    "server.address": name.replace(/^\[|\]$/g, ""),
    "server.port": port === undefined ? DEFAULT_PORTS[scheme] : Number(port),
  };
}

/** What is known when it is over. */
export function answerAttributes({ route, status, aborted, error }: RequestEvent): Attributes {
  const attributes: Attributes = {};
  if (route !== undefined) attributes["http.route"] = route;
  if (status !== undefined) attributes["http.response.status_code"] = status;
  if (status !== undefined && status >= 500) {
    attributes["error.type"] = error instanceof Error ? error.name : String(status);
  }
  if (aborted) attributes["tz.request.aborted"] = true;
  return attributes;
}
