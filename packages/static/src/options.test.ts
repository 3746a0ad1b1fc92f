import { describe, expect, test } from "vitest";
import { StaticError } from "./errors.js";
import { resolveOptions, STATIC_OPTIONS, type StaticOptions } from "./options.js";

const messageOf = (given: unknown): string => {
  try {
    resolveOptions(given as StaticOptions);
  } catch (error) {
    expect(error).toBeInstanceOf(StaticError);
    expect((error as StaticError).code).toBe("TZ_STATIC_OPTION");
    return (error as StaticError).message;
  }
  throw new Error(`accepted ${JSON.stringify(given)}`);
};

test("defaults", () => {
  expect(resolveOptions()).toMatchObject({
    index: ["index.html"],
    etag: "weak",
    dotfiles: "deny",
    symlinks: "within-root",
    precompressed: [],
    compress: false,
    listing: false,
    cors: false,
    digest: false,
    cache: { bytes: 67_108_864, maxEntryBytes: 262_144, fds: 256, policy: "sieve" },
    revalidateMs: 1000,
    watch: true,
    sys: "auto",
  });
});

test("undefined is not given", () => {
  const given = Object.fromEntries(
    Object.keys(STATIC_OPTIONS).map((name) => [name.split(".")[0], undefined]),
  );
  expect(JSON.stringify(resolveOptions(given))).toBe(JSON.stringify(resolveOptions()));
});

test("groups are switched on by true or by any of their options, off by false", () => {
  expect(resolveOptions({ compress: true }).compress).toMatchObject({ encodings: ["br", "zstd", "gzip"] });
  expect(resolveOptions({ compress: { level: 9 } }).compress).toMatchObject({ level: 9, minBytes: 1024 });
  expect(resolveOptions({ compress: {} }).compress).toMatchObject({ minBytes: 1024 });
  expect(resolveOptions({ compress: false }).compress).toBe(false);
  expect(resolveOptions({ listing: { sort: "time" } }).listing).toMatchObject({ html: true, sort: "time" });
  expect(resolveOptions({ cache: { fds: 1 } }).cache).toMatchObject({ fds: 1, bytes: 67_108_864 });
});

describe("an unknown option names itself and the known ones", () => {
  test.each([
    [{ maxAgeMs: 1 }, /unknown option "maxAgeMs" \(1\).*maxAge/],
    [{ cache: { size: 1 } }, /unknown option "cache\.size" \(1\).*cache\.bytes/],
    [{ compress: { quality: "x" } }, /unknown option "compress\.quality" \("x"\)/],
    [{ "cache.bytes.x": 1 }, /unknown option "cache\.bytes\.x"/],
    [{ __proto__x: 1 }, /unknown/],
    [{ toString: 1 }, /unknown option "toString"/],
  ])("%j", (given, message) => {
    expect(messageOf(given)).toMatch(message);
  });
});

describe("a value that is not allowed is named with what is", () => {
  test.each([
    [{ manifest: { files: { a: { name: "b" } } } }, /"manifest"/],
    [{ manifest: { files: { a: { name: "../b", hash: "0".repeat(64) } } } }, /"manifest"/],
    [{ maxAge: -1 }, /"maxAge".*0 to 2147483647 \(seconds\), got -1/],
    [{ maxAge: 1.5 }, /"maxAge".*got 1\.5/],
    [{ maxAge: "1" }, /"maxAge".*got "1"/],
    [{ maxAge: Number.NaN }, /"maxAge".*got NaN/],
    [{ maxAge: null }, /"maxAge".*got null/],
    [{ maxFileBytes: 1023 }, /"maxFileBytes".*1024 to 10737418240 \(bytes\), got 1023/],
    [{ maxFileBytes: 10 * 2 ** 30 + 1 }, /"maxFileBytes"/],
    [{ etag: "Weak" }, /"etag".*"weak" or "strong" or false, got "Weak"/],
    [{ etag: true }, /"etag"/],
    [{ index: "index.html" }, /"index".*list/],
    [{ index: ["../x"] }, /"index"/],
    [{ index: ["a/b"] }, /"index"/],
    [{ index: [".."] }, /"index"/],
    [{ cacheControl: "a\r\nb: c" }, /"cacheControl"/],
    [{ cacheControl: "" }, /"cacheControl"/],
    [{ precompressed: ["br", "br"] }, /"precompressed"/],
    [{ precompressed: ["deflate"] }, /"precompressed".*"br", "zstd", "gzip"/],
    [{ compress: { level: 12 } }, /"compress\.level".*1 to 11/],
    [{ compress: { types: ["text"] } }, /"compress\.types"/],
    [{ compress: { dictionary: true } }, /"compress\.dictionary"/],
    [{ compress: "yes" }, /"compress".*false or true/],
    [{ charset: "a b" }, /"charset"/],
    [{ mime: { ".x": "nope" } }, /"mime"/],
    [{ mime: { ".x": "a/b\r\n" } }, /"mime"/],
    [{ mime: { "a.b": "a/b" } }, /"mime"/],
    [{ dotfiles: true }, /"dotfiles"/],
    [{ symlinks: "maybe" }, /"symlinks".*"within-root" or "deny" or "follow"/],
    [{ allowExtensions: ["a/b"] }, /"allowExtensions"/],
    [{ deny: ["[a"] }, /"deny".*globs/],
    [{ deny: "*.map" }, /"deny"/],
    [{ listing: { pageSize: 0 } }, /"listing\.pageSize".*1 to 10000/],
    [{ listing: { sort: "date" } }, /"listing\.sort"/],
    [{ spaFallback: "../x.html" }, /"spaFallback"/],
    [{ trailingSlash: true }, /"trailingSlash"/],
    [{ errorPages: { 200: "a.html" } }, /"errorPages"/],
    [{ errorPages: { 404: "/../a.html" } }, /"errorPages"/],
    [{ headers: { "**": { "Content-Length": "1" } } }, /"headers"/],
    [{ headers: { "**": { "X-A": "a\nb" } } }, /"headers"/],
    [{ headers: { "**": { "X A": "a" } } }, /"headers"/],
    [{ headers: { "{": {} } }, /"headers"/],
    [{ cors: { origins: ["app.example"] } }, /"cors\.origins"/],
    [{ cors: { origins: ["https://a/b"] } }, /"cors\.origins"/],
    [{ cors: { credentials: true } }, /"cors\.credentials".*"cors\.origins" is a list/],
    [{ securityHeaders: { Date: "x" } }, /"securityHeaders"/],
    [{ digest: { algorithms: ["md5"] } }, /"digest\.algorithms".*"sha-256", "sha-512"/],
    [{ manifest: { files: { a: { preload: "x" } } } }, /"manifest"/],
    [{ manifest: { files: { a: { preload: ["x\r\ny"] } } } }, /"manifest"/],
    [{ cache: { bytes: -1 } }, /"cache\.bytes"/],
    [{ cache: 5 }, /"cache"/],
    [{ cache: { policy: "fifo" } }, /"cache\.policy"/],
    [{ revalidateMs: Number.POSITIVE_INFINITY }, /"revalidateMs"/],
    [{ throttleBytesPerSecond: 0 }, /"throttleBytesPerSecond"/],
    [{ clock: {} }, /"clock"/],
    [{ onServed: 1 }, /"onServed".*function/],
  ])("%j", (given, message) => {
    expect(messageOf(given)).toMatch(message);
    expect(messageOf(given)).not.toContain("\n");
  });
});

test("what is read is normal", () => {
  const options = resolveOptions({
    mime: { ".FOO": "text/foo" },
    allowExtensions: [".JS", ""],
    spaFallback: "/app/index.html",
    errorPages: { 404: "/404.html" },
    cors: { origins: ["HTTPS://App.Example"] },
    precompressed: true,
  });
  expect(options.mime.get("foo")).toBe("text/foo");
  expect(options.allowExtensions).toEqual(["js", ""]);
  expect(options.spaFallback).toBe("app/index.html");
  expect(options.errorPages.get(404)).toBe("404.html");
  expect(options.cors).toMatchObject({ origins: ["https://app.example"] });
  expect(options.precompressed).toEqual(["br", "zstd", "gzip"]);
});
