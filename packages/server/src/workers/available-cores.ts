import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/** Where a container says how much processor time it may use (cgroup v2): "200000 100000" is two processors. */
const QUOTA_FILE = "/sys/fs/cgroup/cpu.max";

/** Processors that this process may use: its affinity, and the quota of its container if that is less. */
export function availableCores(readQuota: () => string = () => readFileSync(QUOTA_FILE, "utf8")): number {
  const cores = availableParallelism();
  try {
    const [quotaUs, periodUs] = readQuota().trim().split(" ").map(Number);
    const quota = Math.ceil(quotaUs! / periodUs!);
    // "max 100000" is no quota: NaN.
    return quota >= 1 ? Math.min(cores, quota) : cores;
  } catch {
    return cores;
  }
}
