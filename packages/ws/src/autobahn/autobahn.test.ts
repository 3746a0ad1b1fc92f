/**
 * The public case list of the Autobahn test suite, classes 1 to 7, 9 and 10, for both roles and over several
 * splits of the bytes. Classes 12 and 13 are in `compression.test.ts`.
 */
import { describe, expect, test } from "vitest";
import type { Role } from "../opcode.js";
import { seededRandom } from "../wire.fixture.js";
import type { AutobahnCase } from "./case.fixture.js";
import { CLOSING_CASES } from "./closing.fixture.js";
import { FRAMING_CASES } from "./framing.fixture.js";
import { LIMIT_CASES } from "./limits.fixture.js";
import { pieces, runCase, type Split } from "./run.fixture.js";
import { UTF8_CASES } from "./utf8.fixture.js";

const ROLES: readonly Role[] = ["server", "client"];
const WHOLE = pieces(Number.POSITIVE_INFINITY);

function randomPieces(seed: number, maxBytes: number): Split {
  const random = seededRandom(seed);
  return { name: `random pieces up to ${maxBytes}`, next: () => 1 + Math.floor(random() * maxBytes) };
}

/** The split that the case names, the whole, octet by octet, and random ones. */
function splitsOf(test: AutobahnCase): Split[] {
  const size = test.frames.reduce((sum, { payload }) => sum + Buffer.from(payload ?? "").length, 0);
  const small = [pieces(1), pieces(2), pieces(3), randomPieces(1, 7), randomPieces(2, 40)];
  const named = test.chopBytes === undefined ? [] : [pieces(test.chopBytes)];
  return size <= 4096 ? [WHOLE, ...named, ...small] : [WHOLE, ...named, pieces(1448), randomPieces(3, 3000)];
}

const CASES = [...FRAMING_CASES, ...UTF8_CASES, ...CLOSING_CASES];

test("the list has every case of the suite's classes, each once", () => {
  const ids = [...CASES, ...LIMIT_CASES].map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const count = (prefix: string) => ids.filter((id) => id.startsWith(prefix)).length;
  expect(["1.", "2.", "3.", "4.", "5.", "6.", "7.", "9.", "10."].map(count)).toEqual([
    16, 11, 7, 10, 20, 145, 37, 54, 1,
  ]);
});

describe.each(ROLES)("as %s", (role) => {
  test.each(CASES.map((one) => [one.id, one.sends, one] as const))("%s: %s", (_id, _sends, autobahnCase) => {
    for (const split of splitsOf(autobahnCase)) runCase(autobahnCase, role, split);
  });

  test.each(LIMIT_CASES.map((one) => [one.id, one.sends, one] as const))(
    "%s: %s",
    (_id, _sends, limitCase) => {
      const { make, ...limit } = limitCase;
      const autobahnCase: AutobahnCase = { ...limit, ...make(), end: "open" };
      const splits = limit.chopBytes === undefined ? [WHOLE, pieces(65536)] : [pieces(limit.chopBytes)];
      for (const split of splits) runCase(autobahnCase, role, split);
    },
  );
});
