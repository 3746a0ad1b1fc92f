import { REASON_PHRASES, ResponseHead, type ResponsePlan } from "@tz/http1";

const plans = new Map<number, ResponsePlan>();

/**
 * The answer to a request that no handler answered: a line of plain text, nothing of the request or the machine.
 * @param close the connection cannot go on (its input is no longer understood)
 * @param fields more fields, as a flat list
 */
export function errorPlan(status: number, close: boolean, fields?: readonly string[]): ResponsePlan {
  const plan = plainPlan(status, close);
  if (fields === undefined) return plan;
  return { ...plan, head: new ResponseHead(status, [...plan.head.fields, ...fields]) };
}

function plainPlan(status: number, close: boolean): ResponsePlan {
  const key = close ? -status : status;
  let plan = plans.get(key);
  if (plan === undefined) {
    const bytes = Buffer.from(`${status} ${REASON_PHRASES[status] ?? "Error"}\n`, "latin1");
    const head = new ResponseHead(status, [
      "Content-Type",
      "text/plain; charset=utf-8",
      "X-Content-Type-Options",
      "nosniff",
      "Content-Length",
      String(bytes.byteLength),
    ]);
    plan = { head, body: { kind: "bytes", bytes }, close };
    plans.set(key, plan);
  }
  return plan;
}

/** 405 with the methods that are allowed (RFC 9110 §15.5.6). */
export function methodNotAllowed(allow: string): ResponsePlan {
  return errorPlan(405, false, ["Allow", allow]);
}
