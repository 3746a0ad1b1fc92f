import type { ResponsePlan } from "@tz/http1";
import { ServerError } from "../errors.js";
import { errorPlan } from "../response/error-plan.js";

/** The status that an error is answered with: its own `status` when that is an error's, otherwise 500. */
export function statusOfError(error: unknown): number {
  const status = (error as { status?: unknown } | null | undefined)?.status;
  return typeof status === "number" && Number.isInteger(status) && status >= 400 && status <= 599
    ? status
    : 500;
}

/** The answer that nobody else gave. It says nothing of the error but what the error means to say. */
export function errorReply(error: unknown, status: number): ResponsePlan {
  if (error instanceof ServerError && error.status === status) {
    const plan = error.plan?.();
    if (plan !== undefined) return plan;
    if (error.fields !== undefined) return errorPlan(status, false, error.fields);
  }
  return errorPlan(status, false);
}
