import fc from "fast-check";
import { expect, test } from "vitest";
import { RouterError } from "../errors.js";
import { type Automaton, acceptsBytes, acceptsText, compileRegex, NOT_ASCII } from "./automaton.js";

const atom = fc.constantFrom(
  ...[
    "a",
    "b",
    "1",
    ".",
    "\\d",
    "\\w",
    "\\W",
    "\\s",
    "[ab]",
    "[^a1]",
    "[a-z0-9_]",
    "é",
    "[à-ü😀]",
    "\\.",
    "-",
  ],
);
const quantifier = fc.constantFrom("", "", "", "*", "+", "?", "{2}", "{1,3}", "{2,}", "*?");

function alternatives(term: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const sequence = fc.array(term, { maxLength: 3 }).map((terms) => terms.join(""));
  return fc.array(sequence, { minLength: 1, maxLength: 2 }).map((options) => options.join("|"));
}

function quantified(part: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(part, quantifier).map((parts) => parts.join(""));
}

// Groups nest once: the oracle backtracks, and with quantifiers in quantifiers in quantifiers it would not end.
const plain = alternatives(quantified(atom));
const regex = alternatives(
  quantified(
    fc.oneof({ weight: 2, arbitrary: atom }, { weight: 1, arbitrary: plain.map((inner) => `(?:${inner})`) }),
  ),
);

const value = fc
  .array(fc.constantFrom("a", "b", "1", "z", "é", "ü", "😀", ".", "-", "_", " ", "\n", "/", "%"), {
    maxLength: 6,
  })
  .map((chars) => chars.join(""));

const encoder = new TextEncoder();

/** `undefined` when the expression is refused for its size, as about one in 4,000 of these is. */
function compiled(source: string): Automaton | undefined {
  try {
    return compileRegex(source);
  } catch (error) {
    if (error instanceof RouterError && / states$| steps$/.test(error.message)) return undefined;
    throw error;
  }
}

test("an automaton accepts what the engine's regular expression matches as a whole", () => {
  const counts = { compared: 0, refused: 0 };
  fc.assert(
    fc.property(regex, fc.array(value, { minLength: 1, maxLength: 8 }), (source, values) => {
      const automaton = compiled(source);
      if (automaton === undefined) {
        counts.refused++;
        return;
      }
      counts.compared++;
      const oracle = new RegExp(`^(?:${source})$`, "u");
      for (const each of values) {
        const expected = oracle.test(each) ? 1 : 0;
        const bytes = encoder.encode(`xx${each}xx`);
        expect(acceptsBytes(automaton, bytes, 2, bytes.length - 2), `${source} on ${each}`).toBe(expected);
        const inText = acceptsText(automaton, `xx${each}xx`, 2, each.length + 2);
        if (/^[\0-\x7f]*$/.test(each)) expect(inText).toBe(expected);
        // A string is left to the bytes at its first other character, unless it is refused before.
        else expect(inText).toBe(expected === 1 || inText === NOT_ASCII ? NOT_ASCII : 0);
      }
    }),
    // A wrong automaton is small: looking longer for a smaller one is not worth it.
    { numRuns: 800, interruptAfterTimeLimit: 20_000 },
  );
  expect(counts.refused).toBeLessThan(counts.compared / 50);
});
