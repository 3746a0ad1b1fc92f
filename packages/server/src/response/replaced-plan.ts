import { ResponseHead, type ResponsePlan } from "@tz/http1";

/**
 * A plan with another head and body in place of its own, which gives the reference of the first one back. Its packed bytes
 * have the old head and go; a plan may be an object with a prototype, so it is not spread.
 */
export function replacedPlan(
  plan: ResponsePlan,
  status: number,
  fields: readonly string[],
  body: ResponsePlan["body"] = plan.body,
): ResponsePlan {
  const { close, earlyHints } = plan;
  return {
    head: new ResponseHead(status, fields),
    body,
    ...(earlyHints !== undefined && { earlyHints }),
    ...(close !== undefined && { close }),
    release: () => plan.release?.(),
  };
}
