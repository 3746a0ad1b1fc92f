import { createHash } from "node:crypto";

/** Bytes that look like nothing else, the same for the same length. */
export function noise(length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, index) =>
    createHash("sha256").update(`${length} ${index}`).digest(),
  );
  return Buffer.concat(blocks).subarray(0, length);
}
