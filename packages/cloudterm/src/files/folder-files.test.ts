import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasOpenat2 } from "@tz/sys";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { folderFiles } from "./folder-files.js";
import type { TerminalFiles } from "./terminal-files.js";

const lacks = hasOpenat2() ? "" : " (skipped: this kernel has no openat2)";
const MAX = 1000;

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of chunks) text += Buffer.from(chunk).toString();
  return text;
}

describe.skipIf(lacks !== "")(`files below a directory${lacks}`, () => {
  let top: string;
  let root: string;
  let files: TerminalFiles;
  beforeEach(() => {
    top = mkdtempSync(join(tmpdir(), "tz-files-"));
    root = join(top, "files");
    mkdirSync(join(root, "sub"), { recursive: true });
    writeFileSync(join(top, "secret"), "secret");
    writeFileSync(join(root, "a.txt"), "hello");
    files = folderFiles(root);
  });
  afterEach(() => rmSync(top, { recursive: true, force: true }));

  const code = (promise: Promise<unknown>) =>
    promise.then(
      () => "nothing was thrown",
      (error: { code: string }) => error.code,
    );

  test("list, fetch, send, replace", async () => {
    expect((await files.list("")).map(({ name, kind }) => `${kind} ${name}`)).toEqual([
      "directory sub",
      "file a.txt",
    ]);
    const read = await files.read("/a.txt", MAX);
    expect([read.name, read.byteLength, await textOf(read.chunks)]).toEqual(["a.txt", 5, "hello"]);
    expect(await files.save("sub/b ☃", pieces("one ", "two"), { maxBytes: MAX })).toBe(7);
    expect(readFileSync(join(root, "sub/b ☃"), "utf8")).toBe("one two");
    expect(await files.save("sub/empty", pieces(), { maxBytes: MAX })).toBe(0);
    expect(await textOf((await files.read("sub/empty", MAX)).chunks)).toBe("");
    expect(await code(files.save("a.txt", pieces("new"), { maxBytes: MAX }))).toBe(
      "TZ_CLOUDTERM_FILE_EXISTS",
    );
    expect(readFileSync(join(root, "a.txt"), "utf8")).toBe("hello");
    await files.save("a.txt", pieces("new"), { maxBytes: MAX, overwrite: true });
    expect(readFileSync(join(root, "a.txt"), "utf8")).toBe("new");
  });

  test("what is too large or breaks off leaves nothing behind", async () => {
    expect(await code(files.read("a.txt", 4))).toBe("TZ_CLOUDTERM_FILE_SIZE");
    expect(await code(files.save("big", pieces("12345", "6"), { maxBytes: 5 }))).toBe(
      "TZ_CLOUDTERM_FILE_SIZE",
    );
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("half");
      throw Object.assign(new Error("the browser is gone"), { code: "ECONNRESET" });
    }
    expect(await code(files.save("half", broken(), { maxBytes: MAX }))).toBe("TZ_CLOUDTERM_FILE");
    expect(readdirSync(root).sort()).toEqual(["a.txt", "sub"]);
  });

  test("nothing leads out: .., absolute paths, links to files and to directories", async () => {
    symlinkSync(join(top, "secret"), join(root, "link"));
    symlinkSync("../secret", join(root, "relative"));
    symlinkSync(top, join(root, "out"));
    symlinkSync("/proc/self/root", join(root, "magic"));
    symlinkSync("a.txt", join(root, "inside"));
    for (const path of [
      "../secret",
      "sub/../../secret",
      "link",
      "relative",
      "out/secret",
      "magic/etc/passwd",
    ])
      expect([path, await code(files.read(path, MAX))]).toEqual([path, "TZ_CLOUDTERM_FILE"]);
    // A leading slash is the directory's own.
    expect(await code(files.read(join(top, "secret"), MAX))).toBe("TZ_CLOUDTERM_NOT_FOUND");
    expect(await code(files.list("out"))).toBe("TZ_CLOUDTERM_FILE");
    expect(await code(files.list(".."))).toBe("TZ_CLOUDTERM_FILE");
    for (const path of ["../new", "out/new", "magic/tmp/new"])
      expect([path, await code(files.save(path, pieces("x"), { maxBytes: MAX }))]).toEqual([
        path,
        "TZ_CLOUDTERM_FILE",
      ]);
    // To send to a link replaces the link, not what it leads to.
    await files.save("link", pieces("mine"), { maxBytes: MAX, overwrite: true });
    expect(readFileSync(join(top, "secret"), "utf8")).toBe("secret");
    expect(await textOf((await files.read("inside", MAX)).chunks)).toBe("hello");
    expect(readdirSync(top).sort()).toEqual(["files", "secret"]);
  });

  test("a directory that becomes a link while a file is sent: the file lands where it was begun", async () => {
    const aside = join(root, "aside");
    async function* swapping(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("half ");
      renameSync(join(root, "sub"), aside);
      symlinkSync(top, join(root, "sub"));
      yield Buffer.from("whole");
    }
    await files.save("sub/file", swapping(), { maxBytes: MAX });
    expect(readFileSync(join(aside, "file"), "utf8")).toBe("half whole");
    expect(readdirSync(top).sort()).toEqual(["files", "secret"]);
  });

  test("what is no file is not read, and a pipe stops nobody", async () => {
    execFileSync("mkfifo", [join(root, "pipe")]);
    expect(await code(files.read("pipe", MAX))).toBe("TZ_CLOUDTERM_FILE");
    expect(await code(files.read("sub", MAX))).toBe("TZ_CLOUDTERM_FILE");
    expect(await code(files.read("nothing", MAX))).toBe("TZ_CLOUDTERM_NOT_FOUND");
    expect(await code(files.list("a.txt"))).toBe("TZ_CLOUDTERM_NOT_FOUND");
    for (const path of ["", "sub/", "..", ".", "x\0y", "n".repeat(300), "p".repeat(5000)])
      expect([path.slice(0, 9), await code(files.save(path, pieces("x"), { maxBytes: MAX }))]).toEqual([
        path.slice(0, 9),
        "TZ_CLOUDTERM_REQUEST",
      ]);
  });

  test("a directory that is not there is said at the start", () => {
    expect(() => folderFiles(join(top, "nothing"))).toThrow(
      expect.objectContaining({ code: "TZ_CLOUDTERM_OPTION" }),
    );
    expect(() => folderFiles(join(top, "secret"))).toThrow(
      expect.objectContaining({ code: "TZ_CLOUDTERM_OPTION" }),
    );
  });
});
