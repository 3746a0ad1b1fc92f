import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { beforeEach, expect, test } from "vitest";
import { CODINGS } from "./codings.js";
import { precompress } from "./precompress.js";

let directory: string;
const text = "some text that repeats itself\n".repeat(500);
const put = (name: string, content: string | Buffer): string => {
  const path = join(directory, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, content);
  utimesSync(path, 1_700_000_000, 1_700_000_000);
  return path;
};
const all = (): string[] => readdirSync(directory, { recursive: true }).map(String).sort();

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tz-precompress-"));
});

test("every form holds the file and has its time", async () => {
  const path = put("a/app.js", text);
  const summary = await precompress(directory);
  expect(summary).toMatchObject({ files: 1, written: CODINGS.length, current: 0, useless: 0, failures: [] });
  expect(brotliDecompressSync(readFileSync(`${path}.br`)).toString()).toBe(text);
  expect(gunzipSync(readFileSync(`${path}.gz`)).toString()).toBe(text);
  for (const { suffix } of CODINGS) expect(statSync(path + suffix).mtimeMs).toBe(1_700_000_000_000);
  expect(summary.formBytes).toBeLessThan(summary.sourceBytes / 10);
});

test("no form is older than its file, to the nanosecond", async () => {
  for (let i = 0; i < 50; i++) writeFileSync(join(directory, `just-now-${i}.js`), text);
  await precompress(directory);
  for (let i = 0; i < 50; i++) {
    const path = join(directory, `just-now-${i}.js`);
    const { mtimeNs } = statSync(path, { bigint: true });
    for (const { suffix } of CODINGS) {
      expect(statSync(path + suffix, { bigint: true }).mtimeNs).toBeGreaterThanOrEqual(mtimeNs);
    }
  }
});

test("a second run writes nothing; a changed file is written again", async () => {
  const path = put("app.css", text);
  await precompress(directory);
  expect(await precompress(directory)).toMatchObject({ written: 0, current: CODINGS.length });
  writeFileSync(path, text.toUpperCase());
  expect(await precompress(directory)).toMatchObject({ written: CODINGS.length, current: 0 });
  expect(gunzipSync(readFileSync(`${path}.gz`)).toString()).toBe(text.toUpperCase());
});

test("small files, compressed types, hidden names and links are left alone; nothing half stays", async () => {
  put("small.js", "1");
  put("photo.jpg", Buffer.alloc(5000));
  put(".hidden/app.js", text);
  put("app.js.gz", Buffer.alloc(5000));
  symlinkSync("/etc/hostname", join(directory, "link.txt"));
  const before = all();
  expect(await precompress(directory)).toMatchObject({ files: 0, written: 0 });
  expect(all()).toEqual(before);
});

test("a form that saves nothing is not kept, and a stale one goes", async () => {
  let x = 1;
  const noise = Buffer.from(Array.from({ length: 4000 }, () => (x = (x * 48271) % 2147483647) & 255));
  const path = put("noise.txt", noise);
  writeFileSync(`${path}.br`, "stale");
  utimesSync(`${path}.br`, 1, 1);
  expect(await precompress(directory)).toMatchObject({ written: 0, useless: CODINGS.length });
  expect(all()).toEqual(["noise.txt"]);
});

test("a file that fails is told; the others go on", async () => {
  put("bad.js", text);
  mkdirSync(join(directory, "bad.js.br"));
  utimesSync(join(directory, "bad.js.br"), 1, 1);
  put("good.js", text);
  const summary = await precompress(directory);
  expect(summary.failures).toHaveLength(1);
  expect(summary.failures[0]!.path).toContain("bad.js");
  expect(all()).toContain("good.js.br");
  expect(all().filter((name) => name.includes("partial"))).toEqual([]);
});
