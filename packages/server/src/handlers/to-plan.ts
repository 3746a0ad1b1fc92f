import { HeadWriteError, ResponseHead, type ResponsePlan } from "@tz/http1";
import { asksToClose } from "../response/framed-plan.js";
import { dropPlan } from "../response/unsent-plan.js";
import { ReaderChunks } from "./reader-chunks.js";
import { bytes, empty, json, text } from "./reply.js";

/** What a handler may return; see {@link toPlan}. */
export type Reply =
  | ResponsePlan
  | Response
  | string
  | Uint8Array
  | object
  | number
  | boolean
  | null
  | undefined;

/** Fields that the server itself writes. */
const HOP_BY_HOP = new Set(["connection", "keep-alive", "transfer-encoding"]);
/** Of up to 2^53 - 1. */
const LENGTH = /^\d{1,15}$/;

/**
 * A plan as it is; a web `Response` with its status, fields and body; a string as text; bytes as they are; nothing
 * as 204; everything else as JSON.
 */
export function toPlan(reply: Reply): ResponsePlan {
  if (reply === undefined || reply === null) return empty();
  if (typeof reply === "string") return text(reply);
  if (typeof reply !== "object") return json(reply);
  if (isPlan(reply)) return checkFinal(reply);
  if (reply instanceof Response) return fromResponse(reply);
  if (reply instanceof Uint8Array) return bytes(reply);
  return json(reply);
}

/**
 * A plan or a `Response`: what hooks and listeners must return to answer. Anything else, such as what
 * `errors.push(error)` returns, means nothing.
 */
export function isAnswer(value: unknown): value is ResponsePlan | Response {
  return value instanceof Response || isPlan(value);
}

/**
 * An interim status (1xx) is no answer, but for the 101 that changes the protocol (RFC 9110 §15.2).
 * @throws HeadWriteError `TZ_HTTP1_WRITE_STATUS`
 */
export function checkFinal(plan: ResponsePlan): ResponsePlan {
  const { head, earlyHints, upgrade } = plan;
  const isFinal = head.status >= 200 || upgrade !== undefined;
  if (isFinal && (earlyHints === undefined || isInterim(earlyHints.status))) return plan;
  dropPlan(plan);
  throw new HeadWriteError(
    "TZ_HTTP1_WRITE_STATUS",
    isFinal
      ? `earlyHints have status ${earlyHints!.status}; allowed: 103`
      : `Status ${head.status} is an interim one and no answer; allowed: 200 to 599, and hints as earlyHints of a plan`,
  );
}

function isInterim(status: number): boolean {
  return status < 200 && status !== 101;
}

export function isPlan(value: unknown): value is ResponsePlan {
  return (value as Partial<ResponsePlan> | null | undefined)?.head instanceof ResponseHead;
}

function fromResponse(response: Response): ResponsePlan {
  const fields: string[] = [];
  let length: number | undefined;
  let close = false;
  for (const [name, value] of response.headers) {
    if (name === "connection") close = asksToClose(value);
    if (HOP_BY_HOP.has(name)) continue;
    if (name === "content-length") {
      // What is no length would break the message: the body is then framed by its end.
      if (!LENGTH.test(value)) continue;
      length = Number(value);
    }
    fields.push(name, value);
  }
  const { body } = response;
  const bodyless = response.status === 204 || response.status === 304;
  if (body === null || bodyless) {
    if (length === undefined && !bodyless) fields.push("content-length", "0");
    return { head: new ResponseHead(response.status, fields), body: { kind: "none" }, close };
  }
  return {
    head: new ResponseHead(response.status, fields),
    body: { kind: "stream", length, chunks: new ReaderChunks(body) },
    close,
  };
}
