// The beginning of a head that came in pieces, or that nobody can parse.

const HEAD_METHOD = "HEAD ";
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/** Whether a line ends in `bytes[start, end)`. */
export function endsLine(bytes: Uint8Array, start: number, end: number): boolean {
  const at = bytes.indexOf(LINE_FEED, start);
  return at >= 0 && at < end;
}

const TAB = 9;
const SPACE = 32;
const DELETE = 127;

/**
 * Whether `bytes[start, end)`, which end no line, have what no line may have: a control character, or something behind a
 * CR. The parser will refuse it, and needs no more for that.
 * @param before what came before them
 */
export function breaksLine(before: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  let isBehindReturn = before[before.byteLength - 1] === CARRIAGE_RETURN;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (isBehindReturn || byte === DELETE) return true;
    isBehindReturn = byte === CARRIAGE_RETURN;
    if (byte < SPACE && !isBehindReturn && byte !== TAB) return true;
  }
  return false;
}

/** Whether a line that is not empty ends in `bytes[start, end)`: the empty ones in front of a request do not count. */
export function beginsLine(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end && (bytes[at] === LINE_FEED || bytes[at] === CARRIAGE_RETURN)) at++;
  return endsLine(bytes, at, end);
}

/** A request that cannot be read still has a method, and the answer to HEAD has no content (RFC 9110 §9.3.2). */
export function beginsWithHead(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end && (bytes[at] === LINE_FEED || bytes[at] === CARRIAGE_RETURN)) at++;
  if (end - at < HEAD_METHOD.length) return false;
  for (let i = 0; i < HEAD_METHOD.length; i++) if (bytes[at + i] !== HEAD_METHOD.charCodeAt(i)) return false;
  return true;
}

/** `first` with `bytes[start, end)` behind it: in the room behind it when there is some, otherwise in twice as much. */
export function append(first: Uint8Array, bytes: Uint8Array, start: number, end: number): Uint8Array {
  const { buffer, byteOffset, byteLength } = first;
  const length = byteLength + end - start;
  const fits = byteOffset + length <= buffer.byteLength;
  const all = fits
    ? new Uint8Array(buffer, byteOffset, length)
    : new Uint8Array(length * 2).subarray(0, length);
  if (!fits) all.set(first);
  all.set(bytes.subarray(start, end), byteLength);
  return all;
}
