import type { SharedPart } from "@tz/http1";
import { ftruncate, isSupported, MFD_CLOEXEC, memfdCreate, mmap, type Region } from "@tz/sys";
import { describe, expect, onTestFinished, test } from "vitest";
import { type StaticMount, staticMount } from "../mount.js";
import type { CacheOptions } from "../options.js";
import { bodyOf, bytesRequestOf } from "../plan.fixture.js";
import { emptySite, noise } from "../site.fixture.js";

const { supported } = isSupported();
const MiB = 1024 * 1024;

async function partOf(mount: StaticMount): Promise<SharedPart> {
  const part = await mount.shared(2);
  if (part === undefined) throw new Error("nothing to share");
  return part;
}

/** As two processes would: mounts of the same folder, each with a mapping of its own. */
async function twoWorkers(cache: CacheOptions = {}) {
  const site = emptySite();
  onTestFinished(() => site.remove());
  const mounts = [1, 2].map(() => staticMount("/", site.root, { cache }));
  const parts = await Promise.all(mounts.map(partOf));
  const fd = memfdCreate("tz-test", MFD_CLOEXEC);
  ftruncate(fd, parts[0]!.byteLength);
  const regions = mounts.map((): Region => mmap({ fd, byteLength: parts[0]!.byteLength }));
  parts[0]!.create(regions[0]!);
  parts.forEach((part, index) => {
    part.attach(regions[index]!);
  });
  onTestFinished(() => {
    for (const mount of mounts) mount.close();
    for (const region of regions) region.release();
  });
  const ask = async (worker: number, target: string) => {
    const plan = await mounts[worker]!.plan(bytesRequestOf(target));
    const bytes = await bodyOf(plan);
    const { packed } = plan;
    const at = packed && packed.address - regions[worker]!.address;
    plan.release?.();
    return { bytes, at, isShared: at !== undefined && at >= 0 && at < parts[0]!.byteLength };
  };
  return { site, mounts, ask };
}

describe.skipIf(!supported)(
  `answers that workers share${supported ? "" : " (skipped: no system calls)"}`,
  () => {
    test("have one copy, whoever loads them first", async () => {
      const { site, mounts, ask } = await twoWorkers();
      for (const [index, size] of [0, 1, 1000, 100_000, 250_000].entries()) {
        const bytes = noise(size);
        site.put(`f${index}.bin`, bytes);
        const first = await ask(index % 2, `/f${index}.bin`);
        const second = await ask((index + 1) % 2, `/f${index}.bin`);
        expect(first.isShared).toBe(true);
        expect(second.at).toBe(first.at);
        expect([first.bytes.equals(bytes), second.bytes.equals(bytes)]).toEqual([true, true]);
      }
      expect(mounts[0]!.stats.shared).toMatchObject({ entries: 5, maxBytes: 64 * MiB });
      expect(mounts[1]!.stats.shared).toEqual(mounts[0]!.stats.shared);
    });

    test("a changed file is another answer; the old one stays for who still sends it", async () => {
      const { site, mounts, ask } = await twoWorkers();
      site.put("a.txt", "one", 1_700_000_000);
      const old = await ask(0, "/a.txt");
      site.put("a.txt", "two", 1_700_000_100);
      mounts[1]!.clear();
      const fresh = await ask(1, "/a.txt");
      expect([old.bytes.toString(), fresh.bytes.toString()]).toEqual(["one", "two"]);
      expect(fresh.at).not.toBe(old.at);
    });

    test("what finds no room is kept by the worker itself, and room comes back", async () => {
      const { site, mounts, ask } = await twoWorkers({ bytes: MiB, maxEntryBytes: 200_000 });
      for (let i = 0; i < 12; i++) site.put(`f${i}.bin`, Buffer.concat([noise(150_000), Buffer.from([i])]));
      const kept: boolean[] = [];
      for (let i = 0; i < 12; i++) {
        const { bytes, isShared } = await ask(i % 2, `/f${i}.bin`);
        expect(bytes.at(-1)).toBe(i);
        kept.push(isShared);
      }
      expect(kept[0]).toBe(true);
      expect(mounts[0]!.stats.shared!.bytes).toBeLessThanOrEqual(MiB);
      for (const mount of mounts) mount.clear();
      site.put("last.bin", noise(150_001));
      expect((await ask(0, "/last.bin")).isShared).toBe(true);
    });

    test("memory that is spare is not filled with files that every worker would have for itself", async () => {
      const { site, mounts, ask } = await twoWorkers({ bytes: MiB, maxEntryBytes: 50_000 });
      site.put("middle.bin", noise(100_000));
      expect((await ask(0, "/middle.bin")).bytes.equals(noise(100_000))).toBe(true);
      expect(mounts[0]!.stats).toMatchObject({ entries: 1, fds: 1 });
    });

    test("are not shared where the mount says so, or keeps too little", async () => {
      const site = emptySite();
      onTestFinished(() => site.remove());
      expect(await staticMount("/", site.root, { cache: { shared: false } }).shared(2)).toBeUndefined();
      expect(await staticMount("/", site.root, { cache: { bytes: 0 } }).shared(2)).toBeUndefined();
      expect(await staticMount("/", site.root, { sys: false }).shared(2)).toBeUndefined();
    });
  },
);
