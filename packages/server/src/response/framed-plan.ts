import { type HeadFraming, NO_LENGTH, type ResponsePlan, UNCLEAR_LENGTH } from "@tz/http1";
import { errorPlan } from "./error-plan.js";
import { fieldIn, withoutFields } from "./field-list.js";
import { replacedPlan } from "./replaced-plan.js";
import { abandonChunks, dropPlan } from "./unsent-plan.js";

/** What the executor says, or is said once at the most. */
const REWRITTEN = new Set([
  "connection",
  "content-length",
  "date",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
]);
/** The option among those of `Connection` that the server carries out for the handler (RFC 9112 §9.6). */
const CLOSE = /(?:^|[\s,])close(?:[\s,]|$)/i;

/** Whether a value of `Connection` asks for the end of it. */
export function asksToClose(connection: string): boolean {
  return CLOSE.test(connection);
}

/**
 * A plan whose head says of its message what is true, and says it once, whatever a handler has put into it:
 *
 * - `Content-Length` is the length of the body that follows, or not there; a stream that was given one without a length
 *   of its own has that one (RFC 9110 §8.6, RFC 9112 §6.3)
 * - there is no `Transfer-Encoding`, `Connection` or `Keep-Alive` but the executor's (RFC 9112 §6.1, RFC 9113 §8.2.2);
 *   a `close` in it is carried out
 * - there is no second `Date` (RFC 9110 §6.6.1)
 *
 * - 204, 205 and 304 have no content (RFC 9110 §15.3.5, §15.3.6, §15.4.5), and a 304 no length of one that the handler
 *   gave it
 * - an interim status (1xx) is no answer, and behind it the client waits on: that is a 500
 *
 * Mostly the plan itself.
 */
export function framedPlan(plan: ResponsePlan, isHead: boolean): ResponsePlan {
  // What is packed was made with its body; a 101 says all about its connection.
  if (plan.packed !== undefined || plan.upgrade !== undefined) return plan;
  const { status, framing } = plan.head;
  if (status < 200) {
    dropPlan(plan);
    return errorPlan(500, plan.close === true);
  }
  if (!framing.ofConnection && framing.dates <= 1 && isTrue(framing, plan, isHead)) return plan;
  return mended(plan, isHead);
}

function isTrue({ contentLength }: HeadFraming, { head, body }: ResponsePlan, isHead: boolean): boolean {
  if (contentLength === UNCLEAR_LENGTH) return false;
  const { status } = head;
  if (status === 304) return body.kind === "none" || contentLength === NO_LENGTH;
  if (status === 204) return contentLength === NO_LENGTH;
  if (status === 205) return contentLength === 0 && body.kind === "none";
  if (isHead) return true;
  if (body.kind === "bytes") return contentLength === body.bytes.byteLength;
  if (body.kind === "segments") return contentLength === body.length;
  if (body.kind === "stream") return contentLength === (body.length ?? NO_LENGTH);
  return contentLength === 0;
}

function mended(plan: ResponsePlan, isHead: boolean): ResponsePlan {
  const { head, body } = plan;
  const { status } = head;
  const fields = withoutFields(head.fields, REWRITTEN);
  const date = fieldIn(head.fields, "date");
  if (date !== undefined) fields.push("Date", date);
  const length = lengthOf(plan, isHead);
  if (length !== undefined) fields.push("Content-Length", String(length));
  const isOpen = body.kind === "stream" && body.length === undefined && length !== undefined;
  if (status === 205 && body.kind === "stream") abandonChunks(body.chunks);
  const made = replacedPlan(
    plan,
    status,
    fields,
    status === 205 ? { kind: "none" } : isOpen ? { ...body, length } : body,
  );
  const asks = head.fields.some(
    (name, i) => i % 2 === 0 && name.toLowerCase() === "connection" && asksToClose(head.fields[i + 1]!),
  );
  return asks ? { ...made, close: true } : made;
}

/** What `Content-Length` has to say; `undefined`: nothing. */
function lengthOf({ head, body }: ResponsePlan, isHead: boolean): number | undefined {
  const { status, framing } = head;
  if (status === 204) return undefined;
  if (status === 205) return 0;
  const said = framing.contentLength >= 0 ? framing.contentLength : undefined;
  // Of what a GET, or a 200, would bring: only the handler knows.
  if (status === 304) return body.kind === "none" ? said : undefined;
  if (body.kind === "bytes") return isHead ? (said ?? body.bytes.byteLength) : body.bytes.byteLength;
  if (body.kind === "segments") return isHead ? (said ?? body.length) : body.length;
  if (body.kind === "stream") return body.length ?? said;
  return isHead ? said : 0;
}
