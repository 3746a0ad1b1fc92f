/** The targets that need no thought: a file below the root, spelt in its only way. */

/** 1 for letters, digits and `-_~`, which may stand anywhere; `.` and `/` have rules. */
const PLAIN = new Uint8Array(256);
for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~") {
  PLAIN[character.charCodeAt(0)] = 1;
}

const SLASH = 0x2f;
const DOT = 0x2e;

/**
 * Is `bytes[start, end)` made of plain segments, each after one slash and none beginning with a dot, up to a
 * name at the end? For such targets the path below the root is the target itself; all others are parsed.
 */
export function isPlainTarget(bytes: Uint8Array, start: number, end: number): boolean {
  let before = 0;
  if (end - start < 2 || bytes[start] !== SLASH) return false;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (PLAIN[byte] === 0 && (byte === DOT || byte === SLASH ? before === SLASH : true)) return false;
    before = byte;
  }
  return before !== SLASH;
}
