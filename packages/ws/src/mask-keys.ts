import { randomFillSync } from "node:crypto";

const keys = new Int32Array(2048);
let used = keys.length;

/** A masking key that cannot be predicted (RFC 6455 §10.3), drawn from a pool of random words. */
export function randomMaskKey(): number {
  if (used === keys.length) {
    randomFillSync(keys);
    used = 0;
  }
  return keys[used++]!;
}
