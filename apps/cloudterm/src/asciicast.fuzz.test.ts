import fc from "fast-check";
import { expect, test } from "vitest";
import { type Cast, readCast } from "../web/asciicast.js";

const HEADER = '{"version":3,"term":{"cols":80,"rows":24}}\n';
const event = fc.tuple(
  fc.double({ min: 0, max: 10, noNaN: true }),
  fc.constantFrom("o", "r", "x", "m"),
  fc.string({ unit: "binary", maxLength: 10 }),
);
const line = fc.oneof(
  { weight: 4, arbitrary: event.map((each) => JSON.stringify(each)) },
  { weight: 1, arbitrary: fc.json() },
  {
    weight: 1,
    arbitrary: fc.constantFrom("", "# note", "[1", '[-1, "o", "a"]', '["1", "o", "a"]', "[1, null, 2]"),
  },
);
const NO_CAST = "this is not an asciicast v3";

/** Nothing that a player could stumble over. */
function expectPlayable({ columns, rows, events }: Cast): void {
  for (const size of [columns, rows]) expect(Number.isInteger(size) && size > 0).toBe(true);
  let lastSeconds = 0;
  for (const { atSeconds, kind, data } of events) {
    expect(atSeconds >= lastSeconds && atSeconds < Number.POSITIVE_INFINITY).toBe(true);
    lastSeconds = atSeconds;
    expect([typeof kind, typeof data]).toEqual(["string", "string"]);
  }
}

test("whatever a recording holds, it can be played or is said to be none", () => {
  const anything = fc.oneof(
    fc.string({ unit: "binary" }),
    fc
      .tuple(fc.json(), fc.array(line, { maxLength: 5 }))
      .map(([first, lines]) => [first, ...lines, ""].join("\n")),
    fc
      .tuple(fc.nat(HEADER.length), fc.nat(20), fc.json())
      .map(([at, length, text]) => HEADER.slice(0, at) + text + HEADER.slice(at + length)),
    fc.array(line, { maxLength: 10 }).map((lines) => `${HEADER}${lines.join("\n")}\n`),
  );
  fc.assert(
    fc.property(anything, (text) => {
      let cast: Cast;
      try {
        cast = readCast(text);
      } catch (error) {
        expect((error as Error).message).toBe(NO_CAST);
        return;
      }
      expectPlayable(cast);
    }),
    { numRuns: 3000 },
  );
});

test("a recording that is being written is, wherever it is cut, the beginning of the whole", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 8 }), fc.nat(400), (events, cut) => {
      const text = HEADER + events.map((each) => `${JSON.stringify(each)}\n`).join("");
      const whole = readCast(text);
      expect(whole.events.map(({ kind, data }) => [kind, data])).toEqual(
        events.map(([, kind, data]) => [kind, data]),
      );
      const part = readCast(text.slice(0, HEADER.length + cut));
      expect(part.events).toEqual(whole.events.slice(0, part.events.length));
    }),
  );
});
