import { describe, expect, test } from "vitest";
import { type ContentCoding, chooseCoding } from "./coding.js";

const all: ContentCoding[] = ["br", "zstd", "gzip", "identity"];

describe("of all codings", () => {
  test.each([
    [undefined, "identity"],
    ["", "identity"],
    ["gzip", "gzip"],
    ["gzip, br", "br"],
    ["gzip, deflate, br, zstd", "br"],
    ["zstd, gzip", "zstd"],
    ["br;q=0, gzip", "gzip"],
    ["br;q=0.5, gzip;q=1.0", "gzip"],
    ["gzip;q=0.001", "gzip"],
    ["*", "br"],
    ["*;q=0", undefined],
    ["*;q=0, identity", "identity"],
    ["identity;q=0", undefined],
    ["identity;q=0, *", "br"],
    ["identity;q=1, gzip;q=0.5", "identity"],
    ["br;q=0, *;q=0.5", "zstd"],
    ["identity, gzip", "gzip"],
    ["x-gzip", "gzip"],
    ["GZIP", "gzip"],
    ["deflate", "identity"],
    ["gzip;q=0", "identity"],
    ["gzip ; q=0.5 , br ; q=0.4", "gzip"],
  ])("%s: %s", (acceptEncoding, expected) => {
    expect(chooseCoding(acceptEncoding, all)).toBe(expected);
  });
});

test("of what there is", () => {
  expect(chooseCoding("br, gzip", ["gzip", "identity"])).toBe("gzip");
  expect(chooseCoding("br", ["gzip", "identity"])).toBe("identity");
  expect(chooseCoding("br", ["gzip"])).toBeUndefined();
  expect(chooseCoding("gzip, br", ["gzip", "br", "identity"])).toBe("gzip");
});

test("any number of different values is remembered within bounds", () => {
  for (let i = 0; i < 2000; i++) expect(chooseCoding(`gzip, x${i}`, all)).toBe("gzip");
});
