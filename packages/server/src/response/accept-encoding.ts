export type Coding = "br" | "gzip";

/** In the server's order of preference. */
const CODINGS: readonly Coding[] = ["br", "gzip"];

/** What a client accepts best of what is made here; `undefined` for the content as it is (RFC 9110 §12.5.3). */
export function acceptedCoding(acceptEncoding: string | undefined): Coding | undefined {
  if (acceptEncoding === undefined) return undefined;
  const weights = new Map<string, number>();
  for (const part of acceptEncoding.split(",")) {
    const [name = "", ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
    const weight = parameters.find((text) => text.startsWith("q="));
    const value = weight === undefined ? 1 : Number(weight.slice(2));
    weights.set(name === "x-gzip" ? "gzip" : name, value >= 0 && value <= 1 ? value : 0);
  }
  const rest = weights.get("*") ?? 0;
  let best: Coding | undefined;
  let bestWeight = 0;
  for (const coding of CODINGS) {
    const weight = weights.get(coding) ?? rest;
    if (weight > bestWeight) [best, bestWeight] = [coding, weight];
  }
  // Who prefers the content as it is gets it.
  return (weights.get("identity") ?? 0) > bestWeight ? undefined : best;
}
