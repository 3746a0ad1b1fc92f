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
