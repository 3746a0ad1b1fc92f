import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ImageStore } from "./image-store.js";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tz-image-store-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const nameOf = (i: number): string => `${String(i).padStart(43, "0")}.avif`;
const bytes = (length: number): Uint8Array => new Uint8Array(length);

test("what is kept is there after a restart; the oldest go when there is too much", async () => {
  const first = await ImageStore.open({ directory, maxBytes: 1000 });
  for (let i = 0; i < 5; i++) {
    expect(await first.put(nameOf(i), bytes(200))).toBe(true);
    utimesSync(join(directory, nameOf(i)), 1000 + i, 1000 + i);
  }
  expect(first.stats).toEqual({ files: 5, bytes: 1000, evictions: 0 });
  const second = await ImageStore.open({ directory, maxBytes: 1000 });
  expect(second.stats).toEqual({ files: 5, bytes: 1000, evictions: 0 });
  expect(second.has(nameOf(0))).toBe(true);
  expect(await second.put(nameOf(9), bytes(300))).toBe(true);
  // The oldest was just asked for, so the next two went.
  expect(readdirSync(directory).sort()).toEqual([0, 3, 4, 9].map(nameOf));
  const smaller = await ImageStore.open({ directory, maxBytes: 500 });
  expect(smaller.stats.bytes).toBeLessThanOrEqual(500);
});

test("an image that is larger than the whole store is not kept", async () => {
  const store = await ImageStore.open({ directory, maxBytes: 100 });
  expect(await store.put(nameOf(1), bytes(101))).toBe(false);
  expect(readdirSync(directory)).toEqual([]);
});

test("files of others stay, left-overs of ours go", async () => {
  writeFileSync(join(directory, "notes.txt"), "mine");
  const old = join(directory, `${nameOf(1)}.1.partial`);
  const young = join(directory, `${nameOf(2)}.1.partial`);
  writeFileSync(old, "x");
  writeFileSync(young, "x");
  utimesSync(old, 1, 1);
  const store = await ImageStore.open({ directory, maxBytes: 1 });
  expect(store.stats.files).toBe(0);
  expect(readdirSync(directory).sort()).toEqual([`${nameOf(2)}.1.partial`, "notes.txt"].sort());
});

test("a full disk: half of what is here makes room, then it is left alone for a while", async () => {
  let free = 450;
  let now = 0;
  const told: unknown[] = [];
  const disk = {
    async write(file: string, content: Uint8Array) {
      await writeFile(file, content.subarray(0, 10));
      const used = readdirSync(directory).length * 100;
      if (used > free) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    },
  };
  const store = await ImageStore.open({
    ...{ directory, maxBytes: 100_000, disk, now: () => now, onFull: (error) => told.push(error) },
  });
  for (let i = 0; i < 4; i++) expect(await store.put(nameOf(i), bytes(100))).toBe(true);
  expect(await store.put(nameOf(4), bytes(100))).toBe(true);
  expect(readdirSync(directory).sort()).toEqual([2, 3, 4].map(nameOf));
  expect(told).toEqual([]);

  free = 0;
  expect(await store.put(nameOf(5), bytes(100))).toBe(false);
  expect(told).toHaveLength(1);
  expect(store.isPaused).toBe(true);
  expect(readdirSync(directory).filter((name) => name.endsWith(".partial"))).toEqual([]);
  now += 60_000;
  free = 10_000;
  expect(store.isPaused).toBe(false);
  expect(await store.put(nameOf(6), bytes(100))).toBe(true);
});

test("a directory that cannot be made is an error at once", async () => {
  writeFileSync(join(directory, "file"), "");
  await expect(ImageStore.open({ directory: join(directory, "file/below"), maxBytes: 1 })).rejects.toThrow();
});

/** A file system in memory of so many bytes over the test's directory, where this process may mount. */
function mountOver(path: string, size: number): boolean {
  if (process.platform !== "linux") return false;
  return spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path]).status === 0;
}

const probe = mkdtempSync(join(tmpdir(), "tz-image-disk-"));
const canMount = mountOver(probe, 4096);
if (canMount) spawnSync("umount", ["-l", probe]);
rmSync(probe, { recursive: true, force: true });

test.skipIf(!canMount)(
  `a disk that is really full: what is kept is whole, and nothing half is left${canMount ? "" : " (skipped: this process may not mount)"}`,
  async () => {
    const size = 40_000;
    expect(mountOver(directory, 4 * size + 4096)).toBe(true);
    try {
      const store = await ImageStore.open({ directory, maxBytes: 100 * size });
      for (let i = 0; i < 8; i++) await store.put(nameOf(i), bytes(size).fill(i));
      const kept = readdirSync(directory);
      expect(kept.length).toBeGreaterThan(0);
      expect(store.stats.files).toBe(kept.length);
      for (const name of kept) {
        expect(name).toMatch(/^\d+\.avif$/);
        expect(readFileSync(join(directory, name))).toEqual(Buffer.alloc(size, Number.parseInt(name, 10)));
      }
      // Others take what is left, and more than the store could free.
      for (const name of kept) rmSync(join(directory, name));
      expect(() => writeFileSync(join(directory, "others"), bytes(100 * size))).toThrow("ENOSPC");
      const told: unknown[] = [];
      const empty = await ImageStore.open({
        directory,
        maxBytes: 100 * size,
        onFull: (error) => told.push(error),
      });
      expect(await empty.put(nameOf(9), bytes(size))).toBe(false);
      expect([told.length, empty.isPaused, readdirSync(directory)]).toEqual([1, true, ["others"]]);
    } finally {
      spawnSync("umount", ["-l", directory]);
    }
  },
);
