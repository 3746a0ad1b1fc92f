/** Weighted lists (RFC 9110 §12.4.2): Accept, Accept-Encoding, Want-Repr-Digest's cousin. */

export interface Weighted {
  /** Lower case, without parameters. */
  readonly value: string;
  /** 0 to 1; a weight that is none (`q=2`, `q=0.0000`, `q=-1`) asks for nothing that can be told: 0. */
  readonly weight: number;
}

/** More members than any client sends; the rest is not read. */
const MEMBERS_MAX = 64;
const WEIGHT = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;

export function parseWeighted(value: string): readonly Weighted[] {
  const members: Weighted[] = [];
  for (const member of value.split(",", MEMBERS_MAX)) {
    const [name = "", ...parameters] = member.split(";");
    const trimmed = name.trim().toLowerCase();
    if (trimmed === "") continue;
    let weight = 1;
    for (const parameter of parameters) {
      const [key = "", text = ""] = parameter.split("=");
      if (key.trim().toLowerCase() === "q") weight = WEIGHT.test(text.trim()) ? Number(text) : 0;
    }
    members.push({ value: trimmed, weight });
  }
  return members;
}

/** The weight of a media type by its most specific range; 0 when nothing names it (RFC 9110 §12.5.1). */
export function weightOfType(accept: string | undefined, type: string): number {
  if (accept === undefined) return 1;
  const ranges = [type, `${type.slice(0, type.indexOf("/"))}/*`, "*/*"];
  const members = parseWeighted(accept);
  for (const range of ranges) {
    const found = members.find((member) => member.value === range);
    if (found !== undefined) return found.weight;
  }
  return 0;
}

/** Is `first` at least as welcome as `second`, or is neither welcome? */
export function prefers(accept: string | undefined, first: string, second: string): boolean {
  if (accept === undefined || accept === "*/*") return true;
  let rest = weightOfType(accept, second);
  // A client that asks for JSON means problem+json too.
  if (second.endsWith("+json")) rest = Math.max(rest, weightOfType(accept, "application/json"));
  return weightOfType(accept, first) >= rest;
}
