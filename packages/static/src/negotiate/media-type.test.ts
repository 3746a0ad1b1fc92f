import { types } from "mime-types";
import { expect, test } from "vitest";
import { extensionOf, mediaTypeOf } from "./media-type.js";

const rules = {
  charset: "utf-8",
  overrides: new Map([
    ["foo", "text/foo"],
    ["bar", "text/bar; charset=latin1"],
  ]),
};

test.each([
  ["a.css", "text/css; charset=utf-8"],
  ["dir.d/a.JS", "text/javascript; charset=utf-8"],
  ["a.json", "application/json; charset=utf-8"],
  ["a.svg", "image/svg+xml; charset=utf-8"],
  ["a.wasm", "application/wasm"],
  ["a.woff2", "font/woff2"],
  ["a.mp4", "video/mp4"],
  ["a.tar.gz", "application/gzip"],
  ["a.foo", "text/foo; charset=utf-8"],
  ["a.bar", "text/bar; charset=latin1"],
  ["a.unknownext", "application/octet-stream"],
  ["noext", "application/octet-stream"],
  ["dir.css/noext", "application/octet-stream"],
  [".css", "application/octet-stream"],
])("%s is %s", (name, type) => {
  expect(mediaTypeOf(name, rules)).toBe(type);
});

test("without charset", () => {
  expect(mediaTypeOf("a.css", { charset: false, overrides: new Map() })).toBe("text/css");
});

test("extensions", () => {
  expect(extensionOf("a/b.TXT")).toBe("txt");
  expect(extensionOf("a.b/c")).toBe("");
  expect(extensionOf("a/.env")).toBe("");
  expect(extensionOf("a.")).toBe("");
});

test("every extension has the type that the package mime-types gives it; if not, run `pnpm media-types`", () => {
  const plain = { charset: false, overrides: new Map() } as const;
  const ours = Object.keys(types).map((extension) => [extension, mediaTypeOf(`a.${extension}`, plain)]);
  expect(Object.fromEntries(ours)).toEqual({ ...types });
});

test("names of Object's own properties are no extensions", () => {
  expect(mediaTypeOf("a.constructor", rules)).toBe("application/octet-stream");
  expect(mediaTypeOf("a.__proto__", rules)).toBe("application/octet-stream");
});
