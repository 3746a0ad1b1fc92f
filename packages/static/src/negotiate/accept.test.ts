import { expect, test } from "vitest";
import { parseWeighted, prefers, weightOfType } from "./accept.js";

test("weights", () => {
  expect(parseWeighted("br;q=0.5, gzip ; Q=1.0 ,*;q=0,identity; q = 0.25")).toEqual([
    { value: "br", weight: 0.5 },
    { value: "gzip", weight: 1 },
    { value: "*", weight: 0 },
    { value: "identity", weight: 0.25 },
  ]);
  expect(parseWeighted("")).toEqual([]);
  expect(parseWeighted(",,")).toEqual([]);
  expect(parseWeighted("a;q=2, b;q=x, c;q=0.0000, d;q=, e;q=-1, f;q")).toEqual(
    ["a", "b", "c", "d", "e", "f"].map((value) => ({ value, weight: 0 })),
  );
  expect(parseWeighted("a;level=1")).toEqual([{ value: "a", weight: 1 }]);
  expect(parseWeighted("a,".repeat(1000)).length).toBeLessThanOrEqual(64);
});

test("the most specific media range decides (RFC 9110 §12.5.1)", () => {
  expect(weightOfType("text/*;q=0.3, text/html;q=0.7, */*;q=0.5", "text/html")).toBe(0.7);
  expect(weightOfType("text/*;q=0.3, text/html;q=0.7, */*;q=0.5", "text/css")).toBe(0.3);
  expect(weightOfType("text/*;q=0.3, text/html;q=0.7, */*;q=0.5", "image/png")).toBe(0.5);
  expect(weightOfType("text/html", "image/png")).toBe(0);
  expect(weightOfType(undefined, "image/png")).toBe(1);
});

test("HTML unless JSON is liked better", () => {
  const html = (accept: string | undefined) => prefers(accept, "text/html", "application/problem+json");
  expect(html(undefined)).toBe(true);
  expect(html("*/*")).toBe(true);
  expect(html("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")).toBe(true);
  expect(html("application/json")).toBe(false);
  expect(html("application/problem+json, text/html;q=0.9")).toBe(false);
  expect(html("image/png")).toBe(true);
});
