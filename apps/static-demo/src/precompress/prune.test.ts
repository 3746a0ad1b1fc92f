import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { UsageError } from "../usage-error.js";
import { CODINGS } from "./codings.js";
import { runPrecompress } from "./command.js";

const text = "some text that repeats itself\n".repeat(500);
let directory: string;
let said: string[];
let warned: string[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tz-prune-"));
  mkdirSync(join(directory, "sub"));
  for (const name of ["kept.js", "gone.js", "sub/gone.css"]) writeFileSync(join(directory, name), text);
  for (const name of ["backup.tar.gz", "photo.br"]) writeFileSync(join(directory, name), "an archive");
  said = [];
  warned = [];
  vi.spyOn(console, "log").mockImplementation((line: string) => void said.push(line));
  vi.spyOn(console, "error").mockImplementation((line: string) => void warned.push(line));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(directory, { recursive: true });
});

const forms = (): string[] =>
  readdirSync(directory, { recursive: true })
    .map(String)
    .filter((name) => /\.(?:br|zst|gz)$/.test(name))
    .sort();

test("forms of deleted files are told of, and removed with --prune", async () => {
  await runPrecompress([directory]);
  expect(warned).toEqual([]);
  rmSync(join(directory, "gone.js"));
  rmSync(join(directory, "sub/gone.css"));
  const before = forms();
  expect(await runPrecompress([directory])).toBe(0);
  expect(forms()).toEqual(before);
  expect(warned).toEqual([
    `tz-static: ${2 * CODINGS.length} forms whose file is gone are still served; --prune removes them`,
  ]);
  expect(await runPrecompress(["--prune", directory])).toBe(0);
  expect(said.at(-1)).toBe(`${2 * CODINGS.length} forms whose file is gone: removed`);
  expect(forms()).toEqual(before.filter((name) => !name.includes("gone")));
  expect(forms()).toEqual(expect.arrayContaining(["backup.tar.gz", "photo.br", "kept.js.gz"]));
  await expect(runPrecompress(["--prune"])).rejects.toThrow(UsageError);
});
