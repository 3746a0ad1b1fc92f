import { expect, test } from "vitest";
import { ServerNames } from "./server-names.js";

test("the name itself, then one label below a wildcard, then the default", () => {
  const names = new ServerNames(["a.test", "*.b.test", "www.b.test"]);
  expect(names.find("a.test")).toBe(1);
  expect(names.find("a.test.")).toBe(1);
  expect(names.find("x.b.test")).toBe(2);
  expect(names.find("www.b.test")).toBe(3);
  for (const other of ["", "b.test", "x.y.b.test", "test", "c.test", ".b", "."]) {
    expect(names.find(other)).toBe(0);
  }
});
