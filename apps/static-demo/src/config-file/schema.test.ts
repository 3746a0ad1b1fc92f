import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { STATIC_OPTIONS, type StaticOptions, staticMount } from "@tz/static";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { SCHEMA_FILE, schemaText } from "./schema-text.js";

const published = readFileSync(SCHEMA_FILE, "utf8");

test("the published schema is that of the tables; if not: npm --prefix apps/static-demo run schema", () => {
  expect(published).toBe(schemaText());
});

const isValid = new Ajv2020({
  strict: true,
  strictTypes: false,
  strictRequired: false,
  allowUnionTypes: true,
}).compile(JSON.parse(published));
const root = mkdtempSync(`${tmpdir()}/tz-schema-`);
const isTaken = (options: object): boolean => {
  try {
    staticMount("/", root, options as StaticOptions).close();
    return true;
  } catch {
    return false;
  }
};

test("every option that JSON can say is in it, with its words", () => {
  const { properties } = (JSON.parse(published) as { $defs: { mount: { properties: object } } }).$defs.mount;
  const functions = ["clock", "onRequest", "onServed"];
  const names = new Set(Object.keys(STATIC_OPTIONS).map((name) => name.split(".")[0] ?? ""));
  expect(new Set(Object.keys(properties))).toEqual(
    new Set(["prefix", "root", ...[...names].filter((name) => !functions.includes(name))]),
  );
  expect(JSON.stringify(properties)).toContain("memory for answers; 0 keeps none");
});

/** Options that a mount takes, most of them beside the border of what it takes. */
const good: readonly object[] = [
  {},
  { index: [], etag: false, lastModified: false, cacheControl: false, maxAge: 0, immutable: ["a/**"] },
  {
    etag: "strong",
    cacheControl: "no-store",
    maxAge: 2 ** 31 - 1,
    immutable: false,
    ranges: false,
    maxRanges: 1000,
  },
  { precompressed: true, compress: true, listing: true, cors: true, digest: true, charset: false },
  {
    precompressed: ["gzip"],
    compress: { encodings: ["br"], level: 11, minBytes: 0, waitMs: 0, dictionary: false },
  },
  {
    mime: { ".foo": "text/foo" },
    dotfiles: "allow",
    symlinks: "follow",
    allowExtensions: ["", "js"],
    deny: ["x"],
  },
  {
    maxFileBytes: 1024,
    listing: { html: false, sort: "size", pageSize: 1, hide: ["*.bak"] },
    spaFallback: "app.html",
  },
  { cleanUrls: true, trailingSlash: "never", errorPages: { 404: "404.html" }, headers: { "**": { A: "b" } } },
  {
    cors: { origins: ["https://a.example"], credentials: true, maxAgeSeconds: 0 },
    securityHeaders: { A: "b" },
  },
  {
    digest: { algorithms: ["sha-512"] },
    earlyHints: true,
    manifest: { files: { a: { preload: ["/a.js"] } } },
  },
  {
    cache: { bytes: 0, ttlMs: 1, maxEntryBytes: 0, policy: "lru", negativeTtlMs: 0, fds: 0 },
    revalidateMs: 0,
  },
  { watch: false, throttleBytesPerSecond: 1024, sys: false },
];

/** What the schema refuses, a mount refuses. */
const bad: readonly object[] = [
  { unknown: 1 },
  { cache: { size: 1 } },
  { cache: false },
  { cache: { bytes: -1 } },
  { cache: { policy: "fifo" } },
  { compress: { level: 12 } },
  { compress: "br" },
  { compress: { dictionary: true } },
  { precompressed: ["br", "br"] },
  { precompressed: ["deflate"] },
  { maxAge: 1.5 },
  { maxAge: "1" },
  { maxFileBytes: 1023 },
  { index: "index.html" },
  { errorPages: { 200: "x" } },
  { headers: { "**": "x" } },
  { listing: { pageSize: 0 } },
  { trailingSlash: true },
  { manifest: { entries: {} } },
  { cors: { origins: "https://a.example" } },
  { spaFallback: 1 },
  { securityHeaders: "on" },
];

test.each(good)("good: %j", (options) => {
  expect(isTaken(options)).toBe(true);
  expect(isValid({ mounts: [{ root: "a", ...options }] }), JSON.stringify(isValid.errors)).toBe(true);
  expect(isValid({ port: 0, root: "a", ...options })).toBe(true);
});

test.each(bad)("bad: %j", (options) => {
  expect(isTaken(options)).toBe(false);
  expect(isValid({ mounts: [{ root: "a", ...options }] })).toBe(false);
  expect(isValid({ root: "a", ...options })).toBe(false);
});

test("what belongs where", () => {
  expect(isValid({ mounts: [{ root: "a" }], maxAge: 1 })).toBe(false);
  expect(isValid({ mounts: [{ prefix: "/a" }] })).toBe(false);
  expect(isValid({ mounts: [{ root: "a", port: 1 }] })).toBe(false);
  expect(isValid({ mounts: [] })).toBe(false);
  expect(isValid({ port: 65_536 })).toBe(false);
});
