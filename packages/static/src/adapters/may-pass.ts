import type { StaticPlan } from "../mount.js";

/** Is it left to whoever comes next: something that the mount does not have, a method that is not its own? */
export function mayPass(plan: StaticPlan): boolean {
  const { status } = plan.head;
  return plan.mayPass ?? (status === 404 || status === 405);
}
