/** Content codings (RFC 9110 §12.5.3): which of the forms that exist, or can be made, a client gets. */
import { parseWeighted } from "./accept.js";

export type ContentCoding = "identity" | "br" | "zstd" | "gzip";
export type Compression = Exclude<ContentCoding, "identity">;

export const COMPRESSIONS: readonly Compression[] = ["br", "zstd", "gzip"];

/** What file names end in, by coding. */
export const SIDECAR_SUFFIX: Readonly<Record<Compression, string>> = { br: ".br", zstd: ".zst", gzip: ".gz" };

type Weights = Readonly<Record<ContentCoding, number>>;

/** Below every weight that can be written: acceptable, when nothing better is there. */
const LAST_RESORT = 0.0001;

/** A client without the field gets what every client can read. */
const IDENTITY_ONLY: Weights = { identity: 1, br: 0, zstd: 0, gzip: 0 };

/** Browsers send a handful of values; whoever sends others pays for reading them. */
const REMEMBERED_MAX = 256;
const remembered = new Map<string, Weights>();

function weightsOf(acceptEncoding: string | undefined): Weights {
  if (acceptEncoding === undefined) return IDENTITY_ONLY;
  let weights = remembered.get(acceptEncoding);
  if (weights === undefined) {
    weights = readWeights(acceptEncoding);
    if (remembered.size >= REMEMBERED_MAX) remembered.clear();
    remembered.set(acceptEncoding, weights);
  }
  return weights;
}

function readWeights(acceptEncoding: string): Weights {
  const given = new Map<string, number>();
  for (const { value, weight } of parseWeighted(acceptEncoding)) {
    // RFC 9110 §8.4.1.3: x-gzip is the same.
    const name = value === "x-gzip" ? "gzip" : value;
    if (!given.has(name)) given.set(name, weight);
  }
  const rest = given.get("*");
  return {
    identity: given.get("identity") ?? (rest === 0 ? 0 : LAST_RESORT),
    br: given.get("br") ?? rest ?? 0,
    zstd: given.get("zstd") ?? rest ?? 0,
    gzip: given.get("gzip") ?? rest ?? 0,
  };
}

/**
 * The form with the highest weight; of several, the first in `available`, which is in the server's order of
 * preference. `undefined` when the client accepts none of them.
 */
export function chooseCoding(
  acceptEncoding: string | undefined,
  available: readonly ContentCoding[],
): ContentCoding | undefined {
  const weights = weightsOf(acceptEncoding);
  let best: ContentCoding | undefined;
  for (const coding of available) {
    if (weights[coding] > 0 && (best === undefined || weights[coding] > weights[best])) best = coding;
  }
  return best;
}
