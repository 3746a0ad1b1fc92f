/** What a file is known by: its entity tag and its date. */
import type { FileStatus } from "../resolve/file-system.js";

/**
 * Times that say nothing: container images and package stores (Nix, Bazel, reproducible archives) set every
 * file to the same one, 1970-01-01 or 1980-01-01. A tag made of it would survive a change of content.
 */
const CONSTANT_TIMES_SECONDS = new Set([0, 1, 315_532_800]);

export function hasMeaningfulTime(status: Pick<FileStatus, "mtimeSeconds">): boolean {
  return !CONSTANT_TIMES_SECONDS.has(status.mtimeSeconds) && status.mtimeSeconds > 0;
}

/** Time and size, nothing of the machine. Weak: two writes within a tick of the file system's clock look the same. */
export function statusTag(
  status: Pick<FileStatus, "byteLength" | "mtimeSeconds" | "mtimeNanoseconds">,
  suffix: string,
): string {
  const seconds = status.mtimeSeconds.toString(36);
  const nanoseconds = status.mtimeNanoseconds.toString(36);
  return `W/"${status.byteLength.toString(36)}-${seconds}.${nanoseconds}${suffix}"`;
}

/**
 * By content: strong. 132 bits of the hash are more than any chance needs.
 * @param sha256 base64
 */
export function contentTag(sha256: string, suffix: string): string {
  return `"${sha256.slice(0, 22).replaceAll("+", "-").replaceAll("/", "_")}${suffix}"`;
}

/** A date in the future would be later than `Date`, which RFC 9110 §8.8.2.1 forbids: then none is sent. */
export function lastModifiedOf(status: FileStatus, nowMs: number): number | undefined {
  return hasMeaningfulTime(status) && status.mtimeSeconds * 1000 <= nowMs ? status.mtimeSeconds : undefined;
}
