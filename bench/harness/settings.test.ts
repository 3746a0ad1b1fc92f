import { expect, test } from "vitest";
import { readCommandLine } from "./settings.js";

test("defaults follow the method: five rounds or more", () => {
  expect(readCommandLine([])).toMatchObject({
    scenarios: [],
    rounds: 5,
    seconds: 3,
    connections: 64,
    out: ".tz/bench",
  });
});

test("scenarios and options in any order", () => {
  expect(readCommandLine(["hot", "--rounds", "7", "--targets", "limit,nginx", "--out=x"])).toMatchObject({
    scenarios: ["hot"],
    rounds: 7,
    targets: ["limit", "nginx"],
    out: "x",
  });
});

test.each([
  [["--rounds", "0"], /--rounds 0: .* from 1 to 1000/],
  [["--seconds", "1.5"], /--seconds 1\.5: .* from 1 to 600/],
  [["--connections", "many"], /--connections many/],
  [["--fast"], /--fast/],
])("%j is refused", (args, message) => {
  expect(() => readCommandLine(args)).toThrow(message);
});
