import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import {
  IN_ATTRIB,
  IN_CLOEXEC,
  IN_CLOSE_WRITE,
  IN_CREATE,
  IN_DELETE,
  IN_DELETE_SELF,
  IN_IGNORED,
  IN_ISDIR,
  IN_MODIFY,
  IN_MOVED_FROM,
  IN_MOVED_TO,
  IN_NONBLOCK,
} from "./constants.js";
import { close } from "./file.js";
import { inotifyAddWatch, inotifyInit, inotifyRmWatch, parseInotify, readInotify } from "./inotify.js";
import { Region } from "./region.js";
import { watchReadable } from "./watch/watch.js";

const folder = mkdtempSync(join(tmpdir(), "tz-sys-"));
const buffer = Region.allocate(4096);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("tells of everything that happens in a watched directory, in order, with names", () => {
  const path = join(folder, "watched");
  mkdirSync(path);
  const fd = inotifyInit(IN_NONBLOCK | IN_CLOEXEC);
  const wd = inotifyAddWatch(fd, path, IN_CREATE | IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO);
  expect(readInotify(fd, buffer)).toEqual([]);
  writeFileSync(join(path, "née"), "1");
  mkdirSync(join(path, "folder"));
  renameSync(join(path, "née"), join(path, "b".repeat(255)));
  rmSync(join(path, "b".repeat(255)));
  const events = readInotify(fd, buffer);
  expect(events.map(({ mask, name }) => [mask, name])).toEqual([
    [IN_CREATE, "née"],
    [IN_CLOSE_WRITE, "née"],
    [IN_CREATE | IN_ISDIR, "folder"],
    [IN_MOVED_FROM, "née"],
    [IN_MOVED_TO, "b".repeat(255)],
    [IN_DELETE, "b".repeat(255)],
  ]);
  expect(events.every((event) => event.wd === wd)).toBe(true);
  expect(events[3]!.cookie).toBeGreaterThan(0);
  expect(events[4]!.cookie).toBe(events[3]!.cookie);
  inotifyRmWatch(fd, wd);
  expect(readInotify(fd, buffer)).toEqual([{ wd, mask: IN_IGNORED, cookie: 0, name: "" }]);
  close(fd);
});

test("tells of a watched file itself without a name, and of its end", () => {
  const path = join(folder, "one-file");
  writeFileSync(path, "");
  const fd = inotifyInit(IN_NONBLOCK);
  inotifyAddWatch(fd, path, IN_MODIFY | IN_DELETE_SELF | IN_ATTRIB);
  writeFileSync(path, "more");
  rmSync(path);
  const masks = readInotify(fd, buffer).map(({ mask, name }) => [mask, name]);
  expect(masks).toContainEqual([IN_MODIFY, ""]);
  expect(masks).toContainEqual([IN_DELETE_SELF, ""]);
  expect(masks.at(-1)).toEqual([IN_IGNORED, ""]);
  close(fd);
});

test("more events than the buffer holds come in several reads, none is lost", () => {
  const path = join(folder, "flood");
  mkdirSync(path);
  const fd = inotifyInit(IN_NONBLOCK);
  inotifyAddWatch(fd, path, IN_CREATE);
  const names = Array.from({ length: 200 }, (_, i) => `file-${i}`);
  for (const name of names) writeFileSync(join(path, name), "");
  const seen: string[] = [];
  let reads = 0;
  for (;;) {
    const events = readInotify(fd, buffer);
    if (events.length === 0) break;
    reads++;
    seen.push(...events.map(({ name }) => name));
  }
  expect(seen).toEqual(names);
  expect(reads).toBeGreaterThan(1);
  close(fd);
});

test("nests in Node's loop", async () => {
  const fd = inotifyInit(IN_NONBLOCK | IN_CLOEXEC);
  inotifyAddWatch(fd, folder, IN_CREATE);
  const names = await new Promise<string[]>((resolve) => {
    const watch = watchReadable(fd, () => {
      watch.close();
      resolve(readInotify(fd, buffer).map(({ name }) => name));
    });
    writeFileSync(join(folder, "late"), "");
  });
  expect(names).toEqual(["late"]);
  close(fd);
});

test("errors name what failed", () => {
  const fd = inotifyInit(IN_NONBLOCK);
  const missing = join(folder, "missing");
  expect(() => inotifyAddWatch(fd, missing, IN_CREATE)).toThrow(
    expect.objectContaining({
      code: "ENOENT",
      syscall: "inotify_add_watch",
      message: expect.stringContaining(missing),
    }),
  );
  expect(() => inotifyRmWatch(fd, 999)).toThrow(expect.objectContaining({ code: "EINVAL" }));
  expect(() => inotifyInit(12345)).toThrow(expect.objectContaining({ code: "EINVAL" }));
  expect(() => readInotify(-1, buffer)).toThrow(expect.objectContaining({ code: "EBADF" }));
  const small = Region.allocate(271);
  expect(() => readInotify(fd, small)).toThrow(expect.objectContaining({ code: "TZ_SYS_BAD_ARGUMENT" }));
  small.release();
  close(fd);
});

test("an overflow has no watch", () => {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setInt32(0, -1, true);
  new DataView(bytes.buffer).setUint32(4, 0x4000, true);
  expect(parseInotify(bytes)).toEqual([{ wd: -1, mask: 0x4000, cookie: 0, name: "" }]);
});
