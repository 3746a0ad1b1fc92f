import { keyword, matchesAt, TokenList } from "./list.js";

const CLOSE = keyword("close");
const KEEP_ALIVE = keyword("keep-alive");
const UPGRADE = keyword("upgrade");
const list = new TokenList();

/** Bits of {@link connectionOptions}. */
export const OPTION_CLOSE = 1;
export const OPTION_KEEP_ALIVE = 2;
export const OPTION_UPGRADE = 4;

/** Which of the known options one Connection line lists (RFC 9110 §7.6.1). */
export function connectionOptions(bytes: Uint8Array, start: number, end: number): number {
  // The value that nearly every browser sends.
  if (matchesAt(bytes, start, end, KEEP_ALIVE)) return OPTION_KEEP_ALIVE;
  let options = 0;
  list.reset(bytes, start, end);
  while (list.next()) {
    if (matchesAt(bytes, list.start, list.end, CLOSE)) options |= OPTION_CLOSE;
    else if (matchesAt(bytes, list.start, list.end, KEEP_ALIVE)) options |= OPTION_KEEP_ALIVE;
    else if (matchesAt(bytes, list.start, list.end, UPGRADE)) options |= OPTION_UPGRADE;
  }
  return options;
}
