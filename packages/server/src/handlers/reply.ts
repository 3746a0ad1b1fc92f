import { ResponseHead, type ResponsePlan } from "@tz/http1";
import { EventChunks, type ServerSentEvent } from "./event-chunks.js";
import { KnownHeads } from "./known-heads.js";
import { checkReplyOptions } from "./reply-options.js";

/** What a reply may carry beside its body. */
export interface ReplyOptions {
  /** Default 200. */
  readonly status?: number;
  /** More fields: a flat list, name, value, name, value … */
  readonly fields?: readonly string[];
}

const NO_FIELDS: readonly string[] = [];
const FIELDS = ["fields"];
const PLAIN = ["status", "fields"];
const TYPED = [...PLAIN, "type"];
const OF_JSON = [...TYPED, "stringify"];
const OF_STREAM = [...TYPED, "length"];
const OF_EVENTS = [...PLAIN, "heartbeatMs"];

const JSON_TYPE = "application/json";
const TEXT_TYPE = "text/plain; charset=utf-8";
const HTML_TYPE = "text/html; charset=utf-8";
const jsonHeads = new KnownHeads(JSON_TYPE);
const textHeads = new KnownHeads(TEXT_TYPE);

function plan(
  type: string,
  bytes: Uint8Array,
  { status = 200, fields = NO_FIELDS }: ReplyOptions,
): ResponsePlan {
  return { head: headOf(type, bytes.byteLength, status, fields), body: { kind: "bytes", bytes } };
}

function headOf(type: string, length: number, status: number, fields: readonly string[]): ResponseHead {
  if (status === 200 && fields.length === 0) {
    if (type === JSON_TYPE) return jsonHeads.of(length);
    if (type === TEXT_TYPE) return textHeads.of(length);
  }
  return new ResponseHead(status, ["Content-Type", type, "Content-Length", String(length), ...fields]);
}

export interface JsonOptions extends ReplyOptions {
  /** Default `application/json`. */
  readonly type?: string;
  /** Writes the value: a compiled serializer (`fast-json-stringify`). Default `JSON.stringify`. */
  readonly stringify?: (value: never) => string;
}

const DEFAULTS: ReplyOptions = {};

/**
 * The value as JSON (RFC 8259).
 * @throws TypeError when the value has no JSON form: `undefined`, a function, a cycle, a BigInt
 * @throws ServerError `TZ_SERVER_OPTION`
 */
export function json(value: unknown, options: JsonOptions = DEFAULTS): ResponsePlan {
  if (options !== DEFAULTS) checkReplyOptions("json", options, OF_JSON);
  const { stringify, type = JSON_TYPE } = options;
  const text = (stringify === undefined ? JSON.stringify(value) : stringify(value as never)) as
    | string
    | undefined;
  if (text === undefined) throw new TypeError(`json(): ${typeof value} has no JSON form`);
  return plan(type, Buffer.from(text), options);
}

/** @throws ServerError `TZ_SERVER_OPTION` */
export function text(value: string, options: ReplyOptions = DEFAULTS): ResponsePlan {
  if (options !== DEFAULTS) checkReplyOptions("text", options, PLAIN);
  return plan(TEXT_TYPE, Buffer.from(value), options);
}

/** @throws ServerError `TZ_SERVER_OPTION` */
export function html(value: string, options: ReplyOptions = DEFAULTS): ResponsePlan {
  if (options !== DEFAULTS) checkReplyOptions("html", options, PLAIN);
  return plan(HTML_TYPE, Buffer.from(value), options);
}

/** Bytes as they are. They must not change before the answer has left. */
export function bytes(
  value: Uint8Array,
  options: ReplyOptions & { readonly type?: string } = DEFAULTS,
): ResponsePlan {
  if (options !== DEFAULTS) checkReplyOptions("bytes", options, TYPED);
  return plan(options.type ?? "application/octet-stream", value, options);
}

/** Chunks as they come: framed by their length when it is known, otherwise chunked. A slow client slows the source. */
export function stream(
  chunks: AsyncIterable<Uint8Array>,
  options: ReplyOptions & { readonly type?: string; readonly length?: number } = DEFAULTS,
): ResponsePlan {
  if (options !== DEFAULTS) checkReplyOptions("stream", options, OF_STREAM);
  const { status = 200, fields = NO_FIELDS, type = "application/octet-stream", length } = options;
  const framing = length === undefined ? NO_FIELDS : ["Content-Length", String(length)];
  const head = new ResponseHead(status, ["Content-Type", type, ...framing, ...fields]);
  return { head, body: { kind: "stream", length, chunks } };
}

export interface EventOptions extends ReplyOptions {
  /**
   * A comment is sent when no event was for this long: proxies keep the connection, and a client that is gone is found.
   * 0 sends none. Default 15,000.
   */
  readonly heartbeatMs?: number;
}

const HEARTBEAT_MS = 15_000;

/**
 * Server-sent events (WHATWG HTML §9.2). Line breaks in `data` become several `data:` lines, as the format asks. A
 * browser that connects again says the `id` of the last event that it has: `request.lastEventId`.
 */
export function sse(events: AsyncIterable<ServerSentEvent>, options: EventOptions = DEFAULTS): ResponsePlan {
  if (options !== DEFAULTS) checkReplyOptions("sse", options, OF_EVENTS);
  const { heartbeatMs = HEARTBEAT_MS, status, fields: more = NO_FIELDS } = options;
  const fields = ["Cache-Control", "no-store", ...more];
  return stream(new EventChunks(events, heartbeatMs), {
    ...(status !== undefined && { status }),
    fields,
    type: "text/event-stream",
  });
}

/** What no URI has as it is (RFC 3986 §2). Control characters are left for the check of fields to refuse. */
const NOT_IN_URI = /[ "<>\\^`{|}]|[^\x00-\x7f]+/g;

/** Half a surrogate pair becomes U+FFFD, as in every URL of a browser. */
function percentEncoded(text: string): string {
  return Array.from(Buffer.from(text), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(
    "",
  );
}

/**
 * Sends the client elsewhere.
 * @param location a URI reference (RFC 9110 §10.2.2); characters that none may have are percent-encoded as UTF-8, `%41` stays
 * @param status 301, 302, 303, 307 or 308; default 302
 */
export function redirect(location: string, status: 301 | 302 | 303 | 307 | 308 = 302): ResponsePlan {
  return {
    head: new ResponseHead(status, [
      "Location",
      location.replace(NOT_IN_URI, percentEncoded),
      "Content-Length",
      "0",
    ]),
    body: { kind: "none" },
  };
}

/**
 * An answer without content.
 * @throws ServerError `TZ_SERVER_OPTION`
 */
export function empty(status = 204, fields: readonly string[] = NO_FIELDS): ResponsePlan {
  if (fields !== NO_FIELDS) checkReplyOptions("empty", { fields }, FIELDS);
  const length = status === 204 || status === 304 ? NO_FIELDS : ["Content-Length", "0"];
  return { head: new ResponseHead(status, [...length, ...fields]), body: { kind: "none" } };
}
