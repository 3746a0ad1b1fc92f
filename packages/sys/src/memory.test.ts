import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import {
  F_ADD_SEALS,
  F_SEAL_SHRINK,
  MADV_DONTNEED,
  MADV_WILLNEED,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  PROT_READ,
} from "./constants.js";
import { fcntl } from "./descriptor.js";
import { ERRNO } from "./errno.js";
import { close, pread, pwrite } from "./file.js";
import { ftruncate, madvise, memfdCreate, mmap } from "./memory.js";
import { Region } from "./region.js";
import { regionStats } from "./region-registry.js";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
const MIB = 1024 * 1024;

test("a memfd mapped by several processes is one memory, atomics across them are exact", async () => {
  const fd = memfdCreate("tz-test", 0);
  ftruncate(fd, MIB);
  const region = mmap({ fd, byteLength: MIB });
  const counts = new BigInt64Array(region.bytes.buffer);
  const adds = 20_000;
  const children = [1, 2].map((index) =>
    spawn(
      process.execPath,
      [
        "--import",
        "tsx",
        "--conditions=@tz/source",
        new URL("./shared-memory.fixture.ts", import.meta.url).pathname,
        String(adds),
        String(index),
      ],
      { stdio: ["ignore", "inherit", "inherit", fd] },
    ),
  );
  const codes = await Promise.all(children.map(async (child) => (await once(child, "exit"))[0]));
  expect(codes).toEqual([0, 0]);
  expect(Atomics.load(region.i32, 0)).toBe(2 * adds);
  expect(Atomics.load(counts, 1)).toBe(BigInt(2 * adds));
  expect([region.bytes[101], region.bytes[102]]).toEqual([201, 202]);
  region.release();
  close(fd);
});

test("a mapping and its file are the same bytes; a private one keeps its own", () => {
  const folder = mkdtempSync(join(tmpdir(), "tz-sys-"));
  const path = join(folder, "file");
  writeFileSync(path, "a".repeat(8192));
  const fd = openSync(path, "r+");
  const shared = mmap({ fd, byteLength: 4096, offset: 4096 });
  const own = mmap({ fd, byteLength: 4096, flags: MAP_PRIVATE });
  const readOnly = mmap({ fd, byteLength: 4096, protection: PROT_READ });
  shared.bytes[1] = 0x62;
  own.bytes[1] = 0x63;
  expect(readFileSync(path, "latin1").slice(4094, 4099)).toBe("aaaba");
  expect([own.bytes[1], readOnly.bytes[1]]).toEqual([0x63, 0x61]);
  for (const region of [shared, own, readOnly]) region.release();
  closeSync(fd);
  rmSync(folder, { recursive: true });
});

test("a mapping is a region: the kernel reads and writes it, and release ends that", () => {
  const before = regionStats();
  const fd = memfdCreate("tz-test", MFD_CLOEXEC);
  const region = mmap({ byteLength: 2 * MIB });
  expect(regionStats()).toEqual({ regions: before.regions + 1, bytes: before.bytes + 2 * MIB });
  region.bytes.set([1, 2, 3]);
  expect(pwrite(fd, region.address, 3, 0)).toBe(3);
  expect(pread(fd, region.addressOf(MIB, 3), 3, 0)).toBe(3);
  expect([...region.bytes.subarray(MIB, MIB + 3)]).toEqual([1, 2, 3]);
  region.release();
  region.release();
  expect(regionStats()).toEqual(before);
  expect(() => region.bytes).toThrow(expect.objectContaining({ code: "TZ_SYS_RELEASED" }));
  close(fd);
});

test("a view that outlives its mapping sees zeros instead of crashing, and never a later mapping", () => {
  const region = mmap({ byteLength: MIB });
  const view = region.bytes;
  view.fill(7);
  region.release();
  const later = Array.from({ length: 8 }, () => mmap({ byteLength: MIB }));
  for (const other of later) other.bytes.fill(9);
  expect([view[0], view[MIB - 1]]).toEqual([0, 0]);
  view[0] = 5;
  expect(later.every((other) => other.bytes[0] === 9)).toBe(true);
  for (const other of later) other.release();
});

test("release gives the pages back at once and the address range after collection", async () => {
  const length = 8 * MIB;
  const lower = mmap({ byteLength: 4096 });
  const residentBefore = process.memoryUsage.rss();
  const virtualBefore = virtualBytes();
  await (async () => {
    for (let i = 0; i < 40; i++) {
      const region = mmap({ byteLength: length });
      region.bytes.fill(1);
      region.release();
    }
  })();
  expect(process.memoryUsage.rss() - residentBefore).toBeLessThan(10 * length);
  for (let i = 0; i < 20 && virtualBytes() - virtualBefore > 10 * length; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    collectGarbage();
  }
  expect(virtualBytes() - virtualBefore).toBeLessThan(10 * length);
  lower.release();
});

function virtualBytes(): number {
  return Number(/VmSize:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))![1]) * 1024;
}

test("madvise drops private pages", () => {
  const region = mmap({ byteLength: 8192 });
  region.bytes.fill(1);
  expect(madvise(region.address, 4096, MADV_DONTNEED)).toBe(0);
  expect([region.bytes[0], region.bytes[4096]]).toEqual([0, 1]);
  expect(madvise(region.address, 8192, MADV_WILLNEED)).toBe(0);
  expect(madvise(region.addressOf(1, 1), 1, MADV_WILLNEED)).toBe(-ERRNO.EINVAL);
  expect(madvise(region.address, 4096, 12345)).toBe(-ERRNO.EINVAL);
  region.release();
});

test("a memfd is named, sized and sealed", () => {
  const fd = memfdCreate("a-name", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  expect(readFileSync("/proc/self/maps", "utf8")).not.toContain("a-name");
  ftruncate(fd, 5 * 2 ** 32);
  expect(statSync(`/proc/self/fd/${fd}`).size).toBe(5 * 2 ** 32);
  const region = mmap({ fd, byteLength: 4096, offset: 4 * 2 ** 32 });
  expect(readFileSync("/proc/self/maps", "utf8")).toContain("memfd:a-name");
  fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
  expect(() => ftruncate(fd, 0)).toThrow(expect.objectContaining({ code: "EPERM", syscall: "ftruncate" }));
  region.release();
  expect(readFileSync("/proc/self/maps", "utf8")).not.toContain("memfd:a-name");
  close(fd);
});

test("what cannot be mapped is an error", () => {
  // What a failed call returned is not taken for "no file".
  expect(() => mmap({ fd: -ERRNO.ENOENT, byteLength: 4096 })).toThrow(
    expect.objectContaining({ code: "EBADF", syscall: "mmap" }),
  );
  const fd = memfdCreate("x", 0);
  expect(() => mmap({ fd, byteLength: 4096, offset: 100 })).toThrow(
    expect.objectContaining({ code: "EINVAL" }),
  );
  expect(() => mmap({ byteLength: 2 ** 50 })).toThrow(expect.objectContaining({ code: "ENOMEM" }));
  for (const byteLength of [0, -1, 1.5]) expect(() => mmap({ byteLength })).toThrow("byteLength");
  expect(() => mmap({ byteLength: 4096, flags: MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED })).toThrow(
    "MAP_FIXED",
  );
  expect(() => memfdCreate("x".repeat(250), 0)).toThrow(expect.objectContaining({ code: "EINVAL" }));
  expect(() => memfdCreate("a\0b", 0)).toThrow(expect.objectContaining({ code: "TZ_SYS_BAD_ARGUMENT" }));
  close(fd);
});

test("regions of all kinds are told apart in the registry", () => {
  const before = regionStats().regions;
  const regions = [mmap({ byteLength: 4096 }), Region.allocate(10), mmap({ byteLength: 1 })];
  expect(regionStats().regions).toBe(before + 3);
  for (const region of regions.reverse()) region.release();
  expect(regionStats().regions).toBe(before);
});
