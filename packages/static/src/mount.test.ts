/** Caching, sharing and giving back: what a plan holds, and for how long. */
import fs from "node:fs";
import path from "node:path";
import type { ResponsePlan } from "@tz/http1";
import { isSupported, regionStats } from "@tz/sys";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { StaticError } from "./errors.js";
import { type StaticMount, type StaticStats, staticMount } from "./mount.js";
import type { StaticOptions } from "./options.js";
import { bodyOf, bytesRequestOf, fieldOf, manualClock, requestOf } from "./plan.fixture.js";
import { emptySite, lines, type Site } from "./site.fixture.js";

let site: Site;
const mounts: StaticMount[] = [];

beforeEach(() => {
  site = emptySite();
  site.put("a.txt", "aaa\n");
  site.put("b.txt", "bbb\n");
  site.put("large.txt", lines(20_000, 1));
});
afterEach(() => {
  for (const mount of mounts.splice(0)) mount.close();
  site.remove();
});

function mountOf(options: StaticOptions = {}, prefix = "/"): StaticMount {
  const mount = staticMount(prefix, site.root, options);
  mounts.push(mount);
  return mount;
}

const hasSys = isSupported().supported;
const openFiles = () => fs.readdirSync("/proc/self/fd").length;

describe.each(hasSys ? (["auto", false] as const) : ([false] as const))("sys: %s", (sys) => {
  const using = (options: StaticOptions = {}, prefix?: string) => mountOf({ sys, ...options }, prefix);

  test("a plain hit is the same object each time, however the target comes", async () => {
    const mount = using();
    const first = await mount.plan(requestOf("/a.txt"));
    for (const request of [
      requestOf("/a.txt"),
      requestOf("/a.txt?v=1"),
      bytesRequestOf("/a.txt"),
      bytesRequestOf("/a.txt?v=1"),
      requestOf("/a.txt", { accept: "text/html", "accept-encoding": "br" }),
    ]) {
      expect(mount.plan(request)).toBe(first);
    }
    expect(mount.stats).toMatchObject({ requests: 6, hits: 5, entries: 1 } satisfies Partial<StaticStats>);
    expect((await bodyOf(first)).toString()).toBe("aaa\n");
  });

  test("HEAD and 304 of a cached file are prebuilt and synchronous", async () => {
    const mount = using();
    const etag = fieldOf(await mount.plan(requestOf("/a.txt")), "etag")!;
    for (const request of [
      bytesRequestOf("/a.txt", {}, "HEAD"),
      bytesRequestOf("/a.txt", { "if-none-match": etag }),
      bytesRequestOf("/a.txt", { "if-modified-since": "Fri, 01 Jan 2100 00:00:00 GMT" }),
    ]) {
      const plan = mount.plan(request) as ResponsePlan;
      expect(plan.body.kind).toBe("none");
      expect(mount.plan(request)).toBe(plan);
    }
    expect(mount.stats.hits).toBe(6);
  });

  test("another spelling of a target is answered from the same entry", async () => {
    const mount = using();
    const plan = await mount.plan(requestOf("/a.txt"));
    expect(await mount.plan(requestOf("/%61.txt"))).toBe(plan);
    expect(mount.stats.entries).toBe(1);
  });

  test("many askers of a cold file share one load", async () => {
    const mount = using();
    const plans = await Promise.all(Array.from({ length: 50 }, () => mount.plan(requestOf("/a.txt"))));
    expect(new Set(plans).size).toBe(1);
    for (const plan of plans) plan.release?.();
    expect(mount.stats.entries).toBe(1);
  });

  test("many askers of a file that is not kept get bytes that are there", async () => {
    const mount = using({ cache: { bytes: 0 } });
    const plans = await Promise.all(
      Array.from({ length: 20 }, (_, i) => mount.plan(requestOf(i % 2 === 0 ? "/a.txt" : "/large.txt"))),
    );
    for (const [i, plan] of plans.entries()) {
      expect((await bodyOf(plan)).toString()).toBe(i % 2 === 0 ? "aaa\n" : lines(20_000, 1));
      plan.release?.();
    }
    expect(mount.stats).toMatchObject({ entries: 0, bytes: 0, fds: 0 });
  });

  test("memory is bounded, and what is being sent outlives its eviction", async () => {
    const mount = using({ cache: { bytes: 20_000, policy: "lru" } });
    const first = await mount.plan(requestOf("/a.txt"));
    for (let i = 0; i < 20; i++) {
      site.put(`${i}.txt`, `${i}`.repeat(1000));
      (await mount.plan(requestOf(`/${i}.txt`))).release?.();
      expect(mount.stats.bytes).toBeLessThanOrEqual(20_000);
    }
    expect(mount.stats.evictions).toBeGreaterThan(5);
    expect((await bodyOf(first)).toString()).toBe("aaa\n");
    first.release?.();
  });

  test("descriptors are bounded, and what is being sent outlives its eviction", async () => {
    const mount = using({ cache: { maxEntryBytes: 0, fds: 2 } });
    const before = openFiles();
    const first = await mount.plan(requestOf("/large.txt"));
    for (let i = 0; i < 10; i++) {
      site.put(`${i}.txt`, `content of ${i}`);
      (await mount.plan(requestOf(`/${i}.txt`))).release?.();
      expect(mount.stats.fds).toBeLessThanOrEqual(2);
    }
    // The process opens and closes files of its own, too: of modules that are loaded meanwhile.
    await expect.poll(openFiles, { timeout: 120_000 }).toBeLessThanOrEqual(before + 4);
    expect((await bodyOf(first)).toString()).toBe(lines(20_000, 1));
    first.release?.();
    mount.close();
    // node:fs closes in another thread.
    await expect.poll(openFiles, { timeout: 120_000 }).toBeLessThanOrEqual(before);
  });

  test("what would take more than half of the memory is sent from its file", async () => {
    const mount = using({ cache: { bytes: 100_000, maxEntryBytes: 1_000_000 } });
    site.put("half.txt", "x".repeat(60_000));
    const plan = await mount.plan(requestOf("/half.txt"));
    expect(plan.body.kind).toBe("segments");
    expect((await bodyOf(plan)).byteLength).toBe(60_000);
    plan.release?.();
    expect(mount.stats).toMatchObject({ entries: 1, fds: 1 });
    expect(mount.stats.bytes).toBeLessThan(5000);
  });

  test("files of middle size fill the memory that is spare, and nothing goes for them", async () => {
    const mount = using({ cache: { bytes: 800_000, maxEntryBytes: 30_000 } });
    const ask = async (name: string, byteLength: number): Promise<void> => {
      site.put(name, name.padEnd(byteLength, "x"));
      const plan = await mount.plan(requestOf(`/${name}`));
      expect((await bodyOf(plan)).toString()).toBe(name.padEnd(byteLength, "x"));
      plan.release?.();
    };
    // An eighth of the memory is the most that one may take.
    await ask("too-large.txt", 100_001);
    expect(mount.stats).toMatchObject({ entries: 1, fds: 1 });
    for (let i = 0; i < 20; i++) await ask(`middle-${i}.txt`, 60_000);
    const full = mount.stats;
    expect(full).toMatchObject({ entries: 21, evictions: 0 });
    expect(full.bytes).toBeGreaterThan(540_000);
    expect(full.bytes).toBeLessThanOrEqual(700_000);
    expect(full.fds).toBeGreaterThanOrEqual(10);
    for (let i = 0; i < 4; i++) await ask(`small-${i}.txt`, 20_000);
    expect(mount.stats).toMatchObject({ entries: 25, evictions: 0, fds: full.fds });
  });

  test("files of middle size that are read at the same time do not get the same memory", async () => {
    const mount = using({ cache: { bytes: 1_600_000, maxEntryBytes: 50_000 } });
    for (let i = 0; i < 10; i++) {
      site.put(`small-${i}.txt`, "s".repeat(20_000));
      (await mount.plan(requestOf(`/small-${i}.txt`))).release?.();
    }
    for (let i = 0; i < 40; i++) site.put(`middle-${i}.txt`, `${i}`.padEnd(190_000, "x"));
    const plans = await Promise.all(
      Array.from({ length: 40 }, (_, i) => mount.plan(requestOf(`/middle-${i}.txt`))),
    );
    for (const [i, plan] of plans.entries()) {
      expect((await bodyOf(plan)).toString()).toBe(`${i}`.padEnd(190_000, "x"));
      plan.release?.();
    }
    expect(mount.stats).toMatchObject({ entries: 50, evictions: 0 });
  });

  test("close() leaves answers that are on their way as they are", async () => {
    const mount = using();
    const small = await mount.plan(requestOf("/a.txt"));
    const large = await mount.plan(requestOf("/large.txt"));
    mount.close();
    mount.close();
    expect((await bodyOf(small)).toString()).toBe("aaa\n");
    expect((await bodyOf(large)).toString()).toBe(lines(20_000, 1));
    small.release?.();
    large.release?.();
    expect((await mount.plan(requestOf("/a.txt"))).head.status).toBe(503);
  });

  test("close() while a file is loaded", async () => {
    const mount = using();
    const loading = mount.plan(requestOf("/a.txt"));
    mount.close();
    const plan = await loading;
    expect([200, 500, 503]).toContain(plan.head.status);
    if (plan.head.status === 200) expect((await bodyOf(plan)).toString()).toBe("aaa\n");
    plan.release?.();
  });

  test("nothing is believed longer than revalidateMs", async () => {
    const clock = manualClock();
    const mount = using({ clock, watch: false, revalidateMs: 1000 });
    const bodyNow = async () => (await bodyOf(await mount.plan(requestOf("/a.txt")))).toString();
    expect(await bodyNow()).toBe("aaa\n");
    site.put("a.txt", "changed\n", 1_700_000_001);
    clock.advance(999);
    expect(await bodyNow()).toBe("aaa\n");
    clock.advance(1);
    expect(await bodyNow()).toBe("changed\n");
    clock.advance(5000);
    fs.unlinkSync(path.join(site.root, "a.txt"));
    expect((await mount.plan(requestOf("/a.txt"))).head.status).toBe(404);
  });

  test("revalidateMs: 0 looks at each request, and keeps the entry while nothing changed", async () => {
    const mount = using({ revalidateMs: 0 });
    const first = await mount.plan(requestOf("/a.txt"));
    expect(await mount.plan(requestOf("/a.txt"))).toBe(first);
    for (let i = 0; i < 20; i++) {
      site.put("a.txt", `${i} now\n`, 1_700_000_010 + i);
      expect((await bodyOf(await mount.plan(requestOf("/a.txt")))).toString()).toBe(`${i} now\n`);
    }
  });

  test("a change within a tick of the clock is seen, though time and size are the same", async () => {
    const mount = using({ revalidateMs: 0 });
    const file = path.join(site.root, "a.txt");
    for (let i = 0; i < 200; i++) {
      const text = `${i}`.padStart(4, "0");
      fs.writeFileSync(file, text);
      expect((await bodyOf(await mount.plan(requestOf("/a.txt")))).toString()).toBe(text);
    }
  });

  test("cache.ttlMs ends what is still the same", async () => {
    const clock = manualClock();
    const mount = using({ clock, watch: false, revalidateMs: 10, cache: { ttlMs: 1000 } });
    const first = await mount.plan(requestOf("/a.txt"));
    clock.advance(500);
    expect(await mount.plan(requestOf("/a.txt"))).toBe(first);
    clock.advance(500);
    const second = await mount.plan(requestOf("/a.txt"));
    expect(second).not.toBe(first);
    expect(await mount.plan(requestOf("/a.txt"))).toBe(second);
  });

  test("a large file that is written to is opened anew at the next request", async () => {
    const mount = using({ revalidateMs: 60_000, watch: false, cache: { maxEntryBytes: 10_000 } });
    const first = await mount.plan(requestOf("/large.txt"));
    fs.appendFileSync(path.join(site.root, "large.txt"), "more\n");
    const second = await mount.plan(requestOf("/large.txt"));
    expect(second).not.toBe(first);
    expect((await bodyOf(second)).toString()).toBe(`${lines(20_000, 1)}more\n`);
    const segment = first.body.kind === "segments" ? first.body.segments[0] : undefined;
    expect(segment !== undefined && "file" in segment && segment.file.isUnchanged?.()).toBe(false);
    first.release?.();
    second.release?.();
  });

  test("a file that is replaced while it is sent keeps its bytes", async () => {
    const mount = using({ revalidateMs: 0, cache: { maxEntryBytes: 10_000 } });
    const plan = await mount.plan(requestOf("/large.txt"));
    fs.writeFileSync(path.join(site.root, "new"), "new");
    fs.renameSync(path.join(site.root, "new"), path.join(site.root, "large.txt"));
    const segment = plan.body.kind === "segments" ? plan.body.segments[0] : undefined;
    expect(segment !== undefined && "file" in segment && segment.file.isUnchanged?.()).toBe(true);
    expect((await bodyOf(plan)).toString()).toBe(lines(20_000, 1));
    expect((await bodyOf(await mount.plan(requestOf("/large.txt")))).toString()).toBe("new");
    plan.release?.();
  });

  test("'not found' is remembered for a while, not for long, and evicts no file", async () => {
    const clock = manualClock();
    const mount = using({ clock, watch: false, revalidateMs: 1000, cache: { negativeTtlMs: 300 } });
    await mount.plan(requestOf("/a.txt"));
    const status = async () => (await mount.plan(requestOf("/later.txt"))).head.status;
    expect(await status()).toBe(404);
    site.put("later.txt", "now\n");
    clock.advance(299);
    expect(await status()).toBe(404);
    clock.advance(1);
    expect(await status()).toBe(200);
    for (let i = 0; i < 5000; i++) await mount.plan(requestOf(`/nothing/${i}`));
    expect(mount.stats.refusals).toBeLessThanOrEqual(2048);
    expect(mount.stats.entries).toBe(2);
  });

  test("an index that comes later wins over the one that was there", async () => {
    const mount = using({ revalidateMs: 0, index: ["index.html", "index.htm"] });
    site.put("d/index.htm", "second\n");
    const bodyNow = async () => (await bodyOf(await mount.plan(requestOf("/d/")))).toString();
    expect(await bodyNow()).toBe("second\n");
    site.put("d/index.html", "first\n");
    expect(await bodyNow()).toBe("first\n");
    fs.unlinkSync(path.join(site.root, "d/index.html"));
    expect(await bodyNow()).toBe("second\n");
  });

  test("the root may be flipped to another release", async () => {
    const current = path.join(site.base, "current");
    for (const release of ["1", "2"]) {
      fs.mkdirSync(path.join(site.base, release));
      fs.writeFileSync(path.join(site.base, release, "v.txt"), `release ${release}\n`);
    }
    fs.symlinkSync("1", current);
    const mount = staticMount("/", current, { sys, revalidateMs: 0 });
    mounts.push(mount);
    const bodyNow = async () => (await bodyOf(await mount.plan(requestOf("/v.txt")))).toString();
    expect(await bodyNow()).toBe("release 1\n");
    fs.symlinkSync("2", `${current}.new`);
    fs.renameSync(`${current}.new`, current);
    expect(await bodyNow()).toBe("release 2\n");
  });

  test("a function of the user that throws is a 500, and is told of", async () => {
    const mount = using({
      headers: () => {
        throw new Error("mine");
      },
    });
    const plan = await mount.plan(requestOf("/a.txt"));
    expect(plan.head.status).toBe(500);
  });

  test("callbacks see requests and answers", async () => {
    const seen: string[] = [];
    const mount = using({
      onRequest: ({ method, target }) => seen.push(`${method} ${target}`),
      onServed: ({ status, durationMs }) => seen.push(`${status} ${durationMs >= 0}`),
    });
    const plan = await mount.plan(requestOf("/a.txt?x"));
    expect(seen).toEqual(["GET /a.txt?x"]);
    plan.release?.();
    (await mount.plan(requestOf("/a.txt", {}, "HEAD"))).release?.();
    (await mount.plan(requestOf("/nope"))).release?.();
    expect(seen).toEqual(["GET /a.txt?x", "200 true", "HEAD /a.txt", "200 true", "GET /nope", "404 true"]);
  });
});

describe.skipIf(!hasSys)("packed answers", () => {
  /** What a `writev` would send. */
  const packedBytes = (plan: ResponsePlan) =>
    Buffer.concat([plan.head.bytes, plan.body.kind === "bytes" ? plan.body.bytes : Buffer.alloc(0)]);

  test("head and body lie together, and a HEAD sends the head alone", async () => {
    const mount = mountOf();
    const get = (await mount.plan(requestOf("/a.txt"))) as ResponsePlan;
    expect(get.packed).toMatchObject({
      byteLength: packedBytes(get).byteLength,
      headByteLength: get.head.bytes.byteLength,
    });
    const head = (await mount.plan(requestOf("/a.txt", {}, "HEAD"))) as ResponsePlan;
    expect(head.packed).toMatchObject({
      address: get.packed!.address,
      byteLength: get.head.bytes.byteLength,
      headByteLength: get.head.bytes.byteLength,
    });
    const notModified = (await mount.plan(requestOf("/a.txt", { "if-none-match": "*" }))) as ResponsePlan;
    expect(notModified.packed!.byteLength).toBe(notModified.head.bytes.byteLength);
  });

  test("all memory goes back when the mount is closed and the last answer is sent", async () => {
    const before = regionStats().bytes;
    const mount = mountOf();
    const plan = await mount.plan(requestOf("/a.txt"));
    (await mount.plan(requestOf("/b.txt"))).release?.();
    expect(regionStats().bytes).toBeGreaterThan(before);
    mount.close();
    expect((await bodyOf(plan)).toString()).toBe("aaa\n");
    plan.release?.();
    // The buffers that the kernel writes into are shared by all mounts and stay.
    const kernel = staticMount("/", site.root);
    kernel.close();
    const after = regionStats().bytes;
    for (let i = 0; i < 10; i++) {
      const another = staticMount("/", site.root);
      (await another.plan(requestOf("/a.txt"))).release?.();
      another.close();
    }
    expect(regionStats().bytes).toBe(after);
  });
});

describe("mistakes of the caller", () => {
  test.each(["", "assets", "/assets/", "//", "/a b", "/a?b", "/../a", "/a//b", "/%61"])(
    "prefix %j",
    (prefix) => {
      expect(() => staticMount(prefix, site.root)).toThrow(
        expect.objectContaining({ code: "TZ_STATIC_PREFIX", message: expect.stringContaining(prefix) }),
      );
    },
  );
  test.each(["nope", "a.txt"])("directory %j", (name) => {
    expect(() => staticMount("/", path.join(site.root, name))).toThrow(StaticError);
  });
  test("prefixes that are fine", () => {
    for (const prefix of ["/", "/a", "/a/b", "/%C3%BC", "/~a.b-c_d"]) mountOf({}, prefix);
  });
});
