import { keyword, matchesAt, TokenList } from "./list.js";

const CONTINUE = keyword("100-continue");
const list = new TokenList();

/** 1 when one Expect line lists only `100-continue`, 0 when it lists nothing, -1 when it lists anything else. */
export function expectation(bytes: Uint8Array, start: number, end: number): number {
  let found = 0;
  list.reset(bytes, start, end);
  while (list.next()) {
    if (!matchesAt(bytes, list.start, list.end, CONTINUE)) return -1;
    found = 1;
  }
  return found;
}
