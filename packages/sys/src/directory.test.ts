import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { AT_FDCWD, DT_DIR, DT_LNK, DT_REG, DT_UNKNOWN, O_DIRECTORY, O_RDONLY } from "./constants.js";
import { readDirectory } from "./directory.js";
import { close, openat, statx } from "./file.js";
import { StatBuffer } from "./stat-buffer.js";

const folder = mkdtempSync(join(tmpdir(), "tz-sys-"));
afterAll(() => rmSync(folder, { recursive: true }));

function list(path: string) {
  const fd = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
  try {
    // Twice: a listing begins at the beginning, wherever the descriptor stood.
    readDirectory(fd);
    return readDirectory(fd).sort((a, b) => (a.name < b.name ? -1 : 1));
  } finally {
    close(fd);
  }
}

test("lists names, types and inodes without . and ..", () => {
  const path = join(folder, "kinds");
  mkdirSync(join(path, "b-folder"), { recursive: true });
  writeFileSync(join(path, "a-file"), "");
  writeFileSync(join(path, "é☃"), "");
  symlinkSync("a-file", join(path, "c-link"));
  const entries = list(path);
  expect(entries.map(({ name }) => name)).toEqual(["a-file", "b-folder", "c-link", "é☃"]);
  const types = entries.map(({ type }) => type);
  if (!types.includes(DT_UNKNOWN)) expect(types).toEqual([DT_REG, DT_DIR, DT_LNK, DT_REG]);
  const stat = new StatBuffer();
  statx(AT_FDCWD, join(path, "a-file"), 0, stat);
  expect(entries[0]!.ino).toBe(stat.ino);
  expect(entries.every((entry) => entry.nameBytes === undefined)).toBe(true);
  stat.release();
});

test("a directory larger than one read is listed whole", () => {
  const path = join(folder, "many");
  mkdirSync(path);
  const names = Array.from(
    { length: 1500 },
    (_, i) => `entry-with-a-name-of-some-length-${String(i).padStart(5, "0")}`,
  );
  for (const name of names) writeFileSync(join(path, name), "");
  expect(list(path).map(({ name }) => name)).toEqual(names);
});

test("a name that is not UTF-8 comes with its bytes, which open it", () => {
  const path = join(folder, "bytes");
  mkdirSync(path);
  const name = Buffer.from([0x66, 0xff, 0x6f]);
  writeFileSync(Buffer.concat([Buffer.from(`${path}/`), name]), "");
  const [entry] = list(path);
  expect(entry).toMatchObject({ name: "f\ufffdo", nameBytes: name });
  const fd = openat(AT_FDCWD, Buffer.concat([Buffer.from(`${path}/`), entry!.nameBytes!]), O_RDONLY);
  expect(fd).toBeGreaterThan(0);
  close(fd);
});

test("an empty directory, a file and a bad descriptor", () => {
  const path = join(folder, "empty");
  mkdirSync(path);
  expect(list(path)).toEqual([]);
  const file = openat(AT_FDCWD, process.execPath, O_RDONLY);
  expect(() => readDirectory(file)).toThrow(
    expect.objectContaining({ code: "ENOTDIR", syscall: "getdents64" }),
  );
  close(file);
  expect(() => readDirectory(-1)).toThrow(expect.objectContaining({ code: "EBADF" }));
});
