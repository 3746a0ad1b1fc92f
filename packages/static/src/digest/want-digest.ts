/** Want-Repr-Digest and Want-Content-Digest (RFC 9530 §4): a dictionary of algorithm to preference, 0 to 10. */
import type { DigestAlgorithm } from "../options.js";

const SUPPORTED: readonly DigestAlgorithm[] = ["sha-512", "sha-256"];
const MEMBER = /^([a-z*][a-z0-9_\-.*]*)[\t ]*(?:=[\t ]*(\d{1,2}))?(?:;.*)?$/;

/**
 * The supported algorithm that is wanted most. `undefined` when the field asks for none that we have (or is
 * malformed, which a server ignores).
 */
export function wantedDigest(value: string | undefined): DigestAlgorithm | undefined {
  if (value === undefined) return undefined;
  let best: DigestAlgorithm | undefined;
  let bestPreference = 0;
  for (const member of value.split(",")) {
    const found = MEMBER.exec(member.trim());
    const preference = Number(found?.[2]);
    const algorithm = SUPPORTED.find((name) => name === found?.[1]);
    if (algorithm !== undefined && preference > bestPreference && preference <= 10) {
      best = algorithm;
      bestPreference = preference;
    }
  }
  return best;
}
