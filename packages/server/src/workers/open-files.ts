import { readdirSync } from "node:fs";
import { getResourceLimit, isSupported, RLIMIT_NOFILE, setResourceLimit } from "@tz/sys";

/** Descriptors of a worker beside its connections: Node's own, listeners, open files of mounts. */
const OTHER_DESCRIPTORS = 512;

/** Raises the limit of open files as far as it goes. @returns the limit, `Infinity` where it is not known */
export function raiseOpenFileLimit(): number {
  if (!isSupported().supported) return Number.POSITIVE_INFINITY;
  const { soft, hard } = getResourceLimit(RLIMIT_NOFILE);
  if (soft < hard) setResourceLimit(RLIMIT_NOFILE, { soft: hard, hard });
  return hard;
}

/** Of few descriptors this part is left to files, so that who is served gets what it asks for. */
const FILES_PART = 0.25;

/**
 * How many connections may be open at once: `maxConnections`, or what a low limit of open files leaves when files can
 * still be opened. Who comes beyond it waits, or is closed; without it the clients that are in would be answered 503.
 * @param limit as {@link raiseOpenFileLimit} returned it
 */
export function connectionsWithin(limit: number, maxConnections: number): number {
  if (limit >= maxConnections + OTHER_DESCRIPTORS) return maxConnections;
  const others = Math.min(OTHER_DESCRIPTORS, openFiles() + Math.ceil(limit * FILES_PART));
  return Math.max(1, Math.min(maxConnections, limit - others));
}

/** Linux; elsewhere no limit is known. */
function openFiles(): number {
  return readdirSync("/proc/self/fd", { encoding: "latin1" }).length;
}

let isTold = false;

/** A warning of Node's (`process.on("warning")`), once, when a process may open too few files for its connections. */
export function warnOfFewDescriptors(limit: number, maxConnections: number): void {
  const needed = maxConnections + OTHER_DESCRIPTORS;
  if (limit >= needed || isTold) return;
  isTold = true;
  process.emitWarning(
    `a process may open ${limit} files, and ${maxConnections} connections need ${needed}: raise the limit (ulimit -n, LimitNOFILE=) or lower maxConnections`,
    { type: "TzWarning", code: "TZ_FEW_DESCRIPTORS" },
  );
}
