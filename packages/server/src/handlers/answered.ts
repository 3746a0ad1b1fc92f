import type { ResponsePlan } from "@tz/http1";

/**
 * The same plan, with something to do when the executor is done with it: after the last byte, on failure, or when
 * the client is gone. The plan's own reference is given back first.
 */
export function whenAnswered(plan: ResponsePlan, done: () => void): ResponsePlan {
  const { head, body, packed, earlyHints, close, upgrade } = plan;
  return {
    head,
    body,
    packed,
    earlyHints,
    ...(close === undefined ? {} : { close }),
    ...(upgrade === undefined ? {} : { upgrade }),
    release: () => {
      plan.release?.();
      done();
    },
  };
}
