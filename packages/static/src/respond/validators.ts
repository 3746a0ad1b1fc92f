/** What a file is known by: its entity tag and its date. */
import { createHash } from "node:crypto";
import type { FileStatus } from "../resolve/file-system.js";

/**
 * Times that say nothing: container images and package stores (Nix, Bazel, reproducible archives) set every
 * file to the same one, 1970-01-01 or 1980-01-01. A tag made of it would survive a change of content.
 */
const CONSTANT_TIMES_SECONDS = new Set([0, 1, 315_532_800]);

export function hasMeaningfulTime(status: FileStatus): boolean {
  return !CONSTANT_TIMES_SECONDS.has(status.mtimeSeconds) && status.mtimeSeconds > 0;
}

/** Time and size, nothing of the machine. Weak: two writes within a tick of the file system's clock look the same. */
export function statusTag(status: FileStatus, suffix: string): string {
  const seconds = status.mtimeSeconds.toString(36);
  const nanoseconds = status.mtimeNanoseconds.toString(36);
  return `W/"${status.byteLength.toString(36)}-${seconds}.${nanoseconds}${suffix}"`;
}

/** By content: strong. */
export function contentTag(content: Uint8Array, suffix: string): string {
  return `"${createHash("sha256").update(content).digest("base64url").slice(0, 22)}${suffix}"`;
}

/** A date in the future would be later than `Date`, which RFC 9110 §8.8.2.1 forbids: then none is sent. */
export function lastModifiedOf(status: FileStatus, nowMs: number): number | undefined {
  return hasMeaningfulTime(status) && status.mtimeSeconds * 1000 <= nowMs ? status.mtimeSeconds : undefined;
}
