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

test("another version is refused", () => {
  expect(() => readCast('{"version":2,"width":80,"height":24}\n')).toThrow("not an asciicast v3");
});
