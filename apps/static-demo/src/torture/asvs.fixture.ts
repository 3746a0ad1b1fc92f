/**
 * The requirements of OWASP ASVS 4.0.3 up to level 2 in the chapters that the review names, as its CSV lists them, without
 * those that it has deleted. `3: [[1], …]` is 3.1.1.
 */
const upTo = (last: number, ...without: number[]): number[] =>
  Array.from({ length: last }, (_, i) => i + 1).filter((number) => !without.includes(number));

const CHAPTERS: Readonly<Record<number, readonly (readonly number[])[]>> = {
  2: [upTo(12), upTo(3), upTo(3), upTo(6), upTo(7), upTo(3), upTo(6), upTo(7), upTo(3), upTo(4)],
  3: [[1], upTo(4), upTo(4), upTo(5), upTo(3), [], [1]],
  4: [upTo(5, 4), upTo(2), upTo(3)],
  5: [upTo(5), upTo(8), upTo(10), upTo(3), upTo(4)],
  6: [upTo(3), upTo(6), upTo(3), upTo(2)],
  7: [upTo(4), upTo(2), upTo(4, 2), upTo(3)],
  12: [upTo(3), [1], upTo(6), upTo(2), upTo(2), [1]],
  13: [upTo(5, 2), upTo(6, 4), upTo(2), upTo(2)],
  14: [upTo(4), upTo(6), upTo(3, 1), upTo(7), upTo(4)],
};

export function isAsvsLevel2(id: string): boolean {
  const [chapter = 0, section = 0, requirement = 0] = id.split(".").map(Number);
  return CHAPTERS[chapter]?.[section - 1]?.includes(requirement) === true;
}
