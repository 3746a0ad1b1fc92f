/**
 * A C library without `statx` and `preadv2` (musl 1.2.3 is one): these calls
 * go through `syscall(2)` then. Only the lookup of symbols is replaced; the calls are real.
 */
import { openSync, statSync } from "node:fs";
import { expect, test, vi } from "vitest";

const asked = vi.hoisted((): string[] => []);
vi.mock("./native.js", async (importActual) => {
  const actual = await importActual<typeof import("./native.js")>();
  return {
    ...actual,
    find: (definition: string) => {
      const isMissing = /\b(statx|preadv2)\(/.test(definition);
      if (isMissing) asked.push(definition);
      return isMissing ? undefined : actual.find(definition);
    },
  };
});

const { AT_FDCWD } = await import("./constants.js");
const { ERRNO } = await import("./errno.js");
const { close, fstat, preadv2, statx } = await import("./file.js");
const { IoVector } = await import("./io-vector.js");
const { Region } = await import("./region.js");
const { StatBuffer } = await import("./stat-buffer.js");

test("the two symbols were looked for and not found", () => {
  expect(asked.length).toBe(2);
});

test("statx and fstat work by number", () => {
  const stat = new StatBuffer();
  const theirs = statSync(process.execPath);
  expect(statx(AT_FDCWD, process.execPath, 0, stat)).toBe(0);
  expect([stat.size, stat.ino, stat.mode]).toEqual([theirs.size, theirs.ino, theirs.mode]);
  expect(statx(AT_FDCWD, "/nothing/here", 0, stat)).toBe(-ERRNO.ENOENT);
  const fd = openSync("/", "r");
  expect(fstat(fd, stat)).toBe(0);
  expect([stat.isDirectory, stat.ino]).toEqual([true, statSync("/").ino]);
  close(fd);
  expect(fstat(-1, stat)).toBe(-ERRNO.EBADF);
});

test("preadv2 works by number, at its offset and at the position", () => {
  const fd = openSync(process.execPath, "r");
  const memory = Region.allocate(64);
  const vector = new IoVector(1);
  vector.set(0, memory.address, 3);
  expect(preadv2(fd, vector.address, 1, 1, 0)).toBe(3);
  expect(Buffer.from(memory.bytes.subarray(0, 3)).toString()).toBe("ELF");
  expect(preadv2(fd, vector.address, 1, -1, 0)).toBe(3);
  expect([...memory.bytes.subarray(0, 3)]).toEqual([0x7f, 0x45, 0x4c]);
  expect(preadv2(fd, vector.address, 1, statSync(process.execPath).size + 2 ** 33, 0)).toBe(0);
  close(fd);
  expect(preadv2(-1, vector.address, 1, 0, 0)).toBe(-ERRNO.EBADF);
});
