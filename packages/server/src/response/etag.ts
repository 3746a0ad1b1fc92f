import { createHash } from "node:crypto";
import { FIELD, type ResponsePlan } from "@tz/http1";
import type { ServerRequest } from "../request.js";
import { fieldIn, withoutFields } from "./field-list.js";
import { replacedPlan } from "./replaced-plan.js";
import { abandonChunks } from "./unsent-plan.js";

/** Fields of the content, which a 304 does not have (RFC 9110 §15.4.5). */
const OF_CONTENT = new Set([
  "content-encoding",
  "content-language",
  "content-length",
  "content-range",
  "content-type",
]);

const originals = new WeakMap<ResponsePlan, ResponsePlan>();

/** The 200 in whose place {@link tagged} has put this 304. */
export function originalOf(plan: ResponsePlan): ResponsePlan | undefined {
  return originals.get(plan);
}

/**
 * The plan with an entity tag, made of its bytes; 304 when the client has them already. Only for 200 to GET and HEAD
 * with bytes; a tag that is there already is compared and kept.
 *
 * The tag is weak (RFC 9110 §8.8.1): it names the content, in whatever coding it is sent.
 */
export function tagged(request: ServerRequest, plan: ResponsePlan): ResponsePlan {
  const { head, body } = plan;
  if (head.status !== 200 || (request.method !== "GET" && request.method !== "HEAD")) return plan;
  const given = fieldIn(head.fields, "etag");
  if (given === undefined && body.kind !== "bytes") return plan;
  const tag = given ?? tagOf((body as { bytes: Uint8Array }).bytes);
  const fields = given === undefined ? [...head.fields, "ETag", tag] : head.fields;
  const asked = request.field(FIELD.ifNoneMatch);
  if (asked !== undefined && matches(asked, tag)) {
    if (body.kind === "stream") abandonChunks(body.chunks);
    const notModified = replacedPlan(plan, 304, withoutFields(fields, OF_CONTENT), { kind: "none" });
    originals.set(notModified, plan);
    return notModified;
  }
  if (given !== undefined) return plan;
  return replacedPlan(plan, 200, fields);
}

function tagOf(bytes: Uint8Array): string {
  const hash = createHash("sha1").update(bytes).digest("base64url");
  return `W/"${bytes.byteLength.toString(36)}-${hash}"`;
}

/** The weak comparison of RFC 9110 §8.8.3.2 with each of a list, or `*`. */
function matches(list: string, tag: string): boolean {
  if (list.trim() === "*") return true;
  const opaque = tag.replace(/^W\//, "");
  for (const [, one] of list.matchAll(/(?:W\/)?("[^"]*")/g)) if (one === opaque) return true;
  return false;
}
