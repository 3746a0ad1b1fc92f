import { BYTE_CLASS, COLON, CR, TOKEN, VALUE } from "../tables/bytes.js";

/**
 * Whether more bytes can end, break or leave a field line of which all up to `seen` is right but incomplete. If
 * not, the line needs no other look: a peer that sends byte by byte does not have it scanned with each of them.
 * @param line where the field line starts; `seen` and `end` where the known and the new bytes end
 */
export function canDecideLine(bytes: Uint8Array, line: number, seen: number, end: number): boolean {
  if (seen <= line || bytes[seen - 1] === CR) return true;
  const colon = bytes.indexOf(COLON, line);
  const going = colon >= 0 && colon < seen ? VALUE : TOKEN;
  for (let i = seen; i < end; i++) if ((BYTE_CLASS[bytes[i]!]! & going) === 0) return true;
  return false;
}
