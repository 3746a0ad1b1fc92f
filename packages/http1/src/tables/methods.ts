/** Well-known methods (RFC 9110 §9, RFC 5789) by id; 0 is any other token. */
export const METHOD = {
  other: 0,
  GET: 1,
  HEAD: 2,
  POST: 3,
  PUT: 4,
  DELETE: 5,
  OPTIONS: 6,
  PATCH: 7,
  CONNECT: 8,
  TRACE: 9,
} as const;

export type MethodId = (typeof METHOD)[keyof typeof METHOD];

/** id → name; empty for {@link METHOD.other}. */
export const METHOD_NAMES: readonly string[] = [
  "",
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "OPTIONS",
  "PATCH",
  "CONNECT",
  "TRACE",
];

/** Bytes of each name, for comparison in place. */
const methodBytes: readonly Uint8Array[] = METHOD_NAMES.map((name) =>
  Uint8Array.from(name, (letter) => letter.charCodeAt(0)),
);

/** Candidate for a method by length and first letter; no two well-known methods share both. */
function candidateOf(length: number, first: number): number {
  switch (first) {
    case 0x47: // G
      return length === 3 ? METHOD.GET : METHOD.other;
    case 0x48: // H
      return length === 4 ? METHOD.HEAD : METHOD.other;
    case 0x50: // P
      return length === 4
        ? METHOD.POST
        : length === 3
          ? METHOD.PUT
          : length === 5
            ? METHOD.PATCH
            : METHOD.other;
    case 0x44: // D
      return length === 6 ? METHOD.DELETE : METHOD.other;
    case 0x4f: // O
      return length === 7 ? METHOD.OPTIONS : METHOD.other;
    case 0x43: // C
      return length === 7 ? METHOD.CONNECT : METHOD.other;
    case 0x54: // T
      return length === 5 ? METHOD.TRACE : METHOD.other;
    default:
      return METHOD.other;
  }
}

/** The method in `bytes[start, end)`: its id, 0 when it is another token, -1 when it is a known one in the wrong case. */
export function methodIdOf(bytes: Uint8Array, start: number, end: number): number {
  // Upper case of a letter; other token characters land on something that no name contains.
  const id = candidateOf(end - start, bytes[start]! & 0xdf);
  if (id === METHOD.other) return id;
  const name = methodBytes[id]!;
  let exact = true;
  for (let i = 0; i < name.length; i++) {
    const byte = bytes[start + i]!;
    if (byte === name[i]) continue;
    if (byte !== name[i]! + 0x20) return METHOD.other;
    exact = false;
  }
  return exact ? id : -1;
}
