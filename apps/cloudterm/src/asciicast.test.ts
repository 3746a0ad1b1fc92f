import { expect, test } from "vitest";
import { readCast } from "../web/asciicast.js";

const HEADER = '{"version":3,"term":{"cols":80,"rows":24}}';

test("times add up, long waits are cut, a line that is not whole is left out", () => {
  const cast = readCast(
    `${HEADER}\n[0.5, "o", "a"]\n# note\n[100, "r", "90x30"]\n[0.25, "x", "0"]\n[1, "o", "cu`,
  );
  expect(cast).toEqual({
    columns: 80,
    rows: 24,
    events: [
      { atSeconds: 0.5, kind: "o", data: "a" },
      { atSeconds: 2.5, kind: "r", data: "90x30" },
      { atSeconds: 2.75, kind: "x", data: "0" },
    ],
  });
});

test("a line that a full disk cut in the middle takes no other with it", () => {
  const { events } = readCast(`${HEADER}\n[0.5, "o", "a"]\n[0.25, "o"\n[-1, "o", "b"]\n[0.5, "o", "c"]\n`);
  expect(events.map(({ atSeconds, data }) => [atSeconds, data])).toEqual([
    [0.5, "a"],
    [1, "c"],
  ]);
});

test.each([
  '{"version":2,"width":80,"height":24}',
  '{"version":3,"term":null}',
  '{"version":3,"term":{"cols":"80"}}',
  "{",
  "null",
])("%s is refused", (header) => {
  expect(() => readCast(`${header}\n`)).toThrow("not an asciicast v3");
});
