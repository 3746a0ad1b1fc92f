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
    [["--early-hints"], { earlyHints: true }],
    [["--cache-mb", "200", "--ttl", "60"], { cache: { bytes: 200 * 1024 * 1024, ttlMs: 60_000 } }],
    [["--max-age", "3600"], { maxAge: 3600 }],
    [["--max-file-mb", "0.5"], { maxFileBytes: 512 * 1024 }],
    [["--dotfiles", "allow"], { dotfiles: "allow" }],
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
  [["--ttl", "0"], /--ttl.*seconds from 1 to 604800/],
  [["--dotfiles", "maybe"], /--dotfiles.*maybe.*deny, ignore, allow/],
  [["--symlinks", "yes"], /--symlinks.*yes.*deny, within-root, follow/],
  [["--header", "nothing"], /--header.*nothing.*GLOB: Name: value/],
])("%j is refused", (flags, message) => {
  expect(() => mount(...flags)).toThrow(message);
});

test("flags for files need a DIR", () => {
  expect(() => readConfig(["--listing"], "0")).toThrow(/need a DIR/);
});
