/**
 * Answers that are not the file: small, the same for every path, nothing of the machine or the request in them.
 * HTML, or problem+json (RFC 9457) for clients that prefer JSON.
 */
import { FIELD, type PlanRequest, REASON_PHRASES, ResponseHead, type ResponsePlan } from "@tz/http1";
import { prefers } from "../negotiate/accept.js";
import { mergeFields } from "./field-list.js";

/** Nothing may load or run in a page of ours, and nobody may guess another type for it. */
export const LOCKED_DOWN = [
  "X-Content-Type-Options",
  "nosniff",
  "Content-Security-Policy",
  "default-src 'none'; frame-ancestors 'none'",
] as const;

const HTML = "text/html; charset=utf-8";
const PROBLEM = "application/problem+json";

interface Page {
  readonly fields: readonly string[];
  readonly bytes: Uint8Array;
  readonly plain: ResponsePlan;
  readonly plainHead: ResponsePlan;
}

const pages = new Map<string, Page>();

function pageOf(status: number, type: string): Page {
  const key = `${status} ${type}`;
  let page = pages.get(key);
  if (page === undefined) {
    const reason = REASON_PHRASES[status] ?? "Error";
    const text =
      type === PROBLEM
        ? `${JSON.stringify({ title: reason, status })}\n`
        : `<!doctype html><html lang="en"><meta charset="utf-8"><title>${status} ${reason}</title><h1>${reason}</h1></html>\n`;
    const bytes = new TextEncoder().encode(text);
    const fields = [
      "Content-Type",
      type,
      "Content-Length",
      String(bytes.byteLength),
      "Vary",
      "Accept",
      ...LOCKED_DOWN,
    ];
    const head = new ResponseHead(status, fields);
    page = {
      fields,
      bytes,
      plain: { head, body: { kind: "bytes", bytes } },
      plainHead: { head, body: { kind: "none" } },
    };
    pages.set(key, page);
  }
  return page;
}

/**
 * The answer for a status of 400 and above.
 * @param extra more fields, name after name and value
 */
export function errorPlan(request: PlanRequest, status: number, extra: readonly string[] = []): ResponsePlan {
  const page = pageOf(status, prefers(request.field(FIELD.accept), "text/html", PROBLEM) ? HTML : PROBLEM);
  const isHead = request.method === "HEAD";
  if (extra.length === 0) return isHead ? page.plainHead : page.plain;
  const head = new ResponseHead(status, mergeFields([...page.fields], extra));
  return { head, body: isHead ? { kind: "none" } : { kind: "bytes", bytes: page.bytes } };
}
