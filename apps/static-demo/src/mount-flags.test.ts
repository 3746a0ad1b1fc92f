import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readConfig } from "./config.js";

const dir = mkdtempSync(join(tmpdir(), "tz-flags-"));
const mount = (...flags: string[]): unknown => {
  const config = readConfig([dir, ...flags], "0");
  if ("text" in config) throw new Error(config.text);
  return config.mount;
};

test("each flag sets its option and nothing else", () => {
  const cases: [string[], object][] = [
    [["--listing"], { listing: true }],
    [["--spa"], { spaFallback: true }],
    [["--clean-urls"], { cleanUrls: true }],
    [["--compress"], { compress: true }],
    [["--precompressed"], { precompressed: true }],
    [["--cors"], { cors: true }],
    [["--manifest", "m.json"], { manifest: "m.json" }],
    [["--early-hints", "--manifest", "m.json"], { earlyHints: true, manifest: "m.json" }],
    [["--ttl", "1.125"], { cache: { ttlMs: 1125 } }],
    [["--cache-mb", "200", "--ttl", "60"], { cache: { bytes: 200 * 1024 * 1024, ttlMs: 60_000 } }],
    [["--max-age", "3600"], { maxAge: 3600 }],
    [["--max-file-mb", "0.5"], { maxFileBytes: 512 * 1024 }],
    [["--dotfiles", "allow"], { dotfiles: "allow" }],
    [["--etag", "strong"], { etag: "strong" }],
    [["--etag", "off"], { etag: false }],
    [["--symlinks", "deny"], { symlinks: "deny" }],
    [
      ["--header", "**/*.css: X-A: 1: 2", "--header", "**/*.css: X-B: 3"],
      { headers: { "**/*.css": { "X-A": "1: 2", "X-B": "3" } } },
    ],
  ];
  for (const [flags, options] of cases) expect(mount(...flags), flags.join(" ")).toEqual(options);
});

test.each([
  [["--cache-mb", "-1"], /--cache-mb.*-1.*MiB from 0 to 10240/],
  [["--max-file-mb", "20000"], /--max-file-mb.*20000.*10240/],
  [["--max-file-mb", "0"], /--max-file-mb.*'0'.*from 0\.001 to 10240/],
  [["--ttl", "0"], /--ttl.*seconds from 1 to 604800/],
  [["--etag", "md5"], /--etag.*md5.*weak, strong, off/],
  [["--dotfiles", "maybe"], /--dotfiles.*maybe.*deny, ignore, allow/],
  [["--symlinks", "yes"], /--symlinks.*yes.*deny, within-root, follow/],
  [["--ttl", "1.2345"], /--ttl.*1\.2345.*at most 3 digits/],
  [["--max-age", "1.5"], /--max-age.*1\.5.*whole number of seconds from 0/],
  [["--early-hints"], /--early-hints needs --manifest/],
  [["--header", "**: Content-Length: 5"], /--header.*Content-Length is not yours to set/],
  [["--header", "**: X(Y: 5"], /--header.*"X\(Y" is no name of a field/],
  [["--header", "**: X-Y: ä"], /--header.*the value of X-Y/],
  [["--header", "**: __proto__: 5"], /--header.*"__proto__" is no name of a field/],
  [["--header", "__proto__: X-A: 5"], /--header.*__proto__/],
  [["--socket-mode", "660"], /--socket-mode needs the path of a Unix socket as --host/],
  [["--header", "nothing"], /--header.*nothing.*GLOB: Name: value/],
])("%j is refused", (flags, message) => {
  expect(() => mount(...flags)).toThrow(message);
});

test("flags for files need a DIR", () => {
  expect(() => readConfig(["--listing"], "0")).toThrow(/need a DIR/);
});
