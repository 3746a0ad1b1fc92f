/**
 * Sorts as people do: `file9` before `file10`, letters before their capitals make a difference. Keys are made
 * once per name and compared as plain text, which is many times faster than a collator on each comparison.
 */

/** Digits of a number and how many they are: longer numbers are larger. */
const DIGITS = /\d+/g;
const LENGTH_DIGITS = 3;

/** Text that compares as the name should. */
export function naturalKey(name: string): string {
  const folded = name.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const padded = folded.replace(DIGITS, (digits) => {
    const significant = digits.replace(/^0+(?=\d)/, "");
    return String(Math.min(significant.length, 999)).padStart(LENGTH_DIGITS, "0") + significant;
  });
  // Names that differ in case or accents alone keep one order.
  return `${padded}\0${name}`;
}
