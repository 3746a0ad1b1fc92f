/** Hashes and codings that are found while the file is served already. */
import diagnostics from "node:diagnostics_channel";
import fs from "node:fs";
import path from "node:path";
import zlib from "node:zlib";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type StaticMount, staticMount } from "../mount.js";
import { bodyOf, fieldOf, requestOf } from "../plan.fixture.js";
import { emptySite, lines, noise, type Site } from "../site.fixture.js";

let site: Site;
let mount: StaticMount;
beforeEach(() => {
  site = emptySite();
});
afterEach(() => {
  mount.close();
  site.remove();
});

const WEAK = /^W\/"/;
const STRONG = /^"[\w-]{22}"$/;

async function etag(target: string, headers: Record<string, string> = {}): Promise<string> {
  const plan = await mount.plan(requestOf(target, headers));
  plan.release?.();
  return fieldOf(plan, "etag") ?? `none ${plan.head.status}`;
}
const strongTag = async (target: string, headers: Record<string, string> = {}): Promise<string> => {
  await expect.poll(() => etag(target, headers), { timeout: 120_000 }).toMatch(/^"/);
  return etag(target, headers);
};

describe.each([
  ["in memory", { maxEntryBytes: 1_000_000 }],
  ["as a descriptor", { maxEntryBytes: 1000 }],
])("strong tags of a large file %s", (_, cache) => {
  beforeEach(() => {
    site.put("large.bin", noise(300_000));
    mount = staticMount("/", site.root, { etag: "strong", cache, revalidateMs: 0 });
  });

  test("weak first, strong as soon as it is known; who has the weak one is not sent it again", async () => {
    const first = await etag("/large.bin");
    expect(first).toMatch(WEAK);
    const strong = await strongTag("/large.bin");
    expect(strong).toMatch(STRONG);
    for (const known of [first, strong, `"x", ${strong}`]) {
      expect((await mount.plan(requestOf("/large.bin", { "if-none-match": known }))).head.status).toBe(304);
    }
    const part = await mount.plan(requestOf("/large.bin", { range: "bytes=0-9", "if-range": strong }));
    expect(part.head.status).toBe(206);
    expect((await bodyOf(part)).equals(noise(300_000).subarray(0, 10))).toBe(true);
    const other = await mount.plan(requestOf("/large.bin", { range: "bytes=0-9", "if-range": first }));
    expect(other.head.status).toBe(200);
    part.release?.();
    other.release?.();
  });

  test("the same content after a touch keeps its tag, and who has it gets 304", async () => {
    const strong = await strongTag("/large.bin");
    site.put("large.bin", noise(300_000), 1_700_009_999);
    await expect
      .poll(async () => (await mount.plan(requestOf("/large.bin", { "if-none-match": strong }))).head.status)
      .toBe(304);
    expect(await strongTag("/large.bin")).toBe(strong);
  });

  test("other content has another", async () => {
    const strong = await strongTag("/large.bin");
    site.put("large.bin", noise(300_001).subarray(1));
    fs.utimesSync(path.join(site.root, "large.bin"), 1_700_000_000, 1_700_000_000);
    expect(await strongTag("/large.bin")).not.toBe(strong);
  });
});

test("a constant time makes tags of the content, for large files as soon as it is known", async () => {
  site.put("nix.bin", noise(300_000), 1);
  mount = staticMount("/", site.root, { revalidateMs: 0 });
  expect(await etag("/nix.bin")).toBe("none 200");
  const before = await strongTag("/nix.bin");
  site.put("nix.bin", noise(300_001).subarray(1), 1);
  expect(await strongTag("/nix.bin")).not.toBe(before);
});

test("a file that is hashed while it is sent, evicted and closed", async () => {
  site.put("large.bin", noise(3_000_000));
  mount = staticMount("/", site.root, { etag: "strong", digest: true });
  const plan = await mount.plan(requestOf("/large.bin"));
  mount.clear();
  mount.close();
  expect((await bodyOf(plan)).equals(noise(3_000_000))).toBe(true);
  plan.release?.();
});

test("each coding is made once, however many ask", async () => {
  site.put("app.js", lines(3000, 1));
  mount = staticMount("/", site.root, { compress: { waitMs: 20_000 } });
  const compressed = vi.spyOn(zlib, "brotliCompress");
  const plans = await Promise.all(
    Array.from({ length: 30 }, () => mount.plan(requestOf("/app.js", { "accept-encoding": "br" }))),
  );
  expect(new Set(plans.map((plan) => plan.body)).size).toBe(1);
  expect(mount.plan(requestOf("/app.js", { "accept-encoding": "br" }))).toBe(plans[0]);
  expect(zlib.brotliDecompressSync(await bodyOf(plans[0]!)).toString()).toBe(lines(3000, 1));
  for (const plan of plans) plan.release?.();
  compressed.mockRestore();
});

test("who cannot wait gets the file as it is, and later the coding", async () => {
  site.put("app.js", lines(8000, 1));
  mount = staticMount("/", site.root, { compress: { encodings: ["br"], level: 11, waitMs: 0 } });
  const ask = async () => {
    const plan = await mount.plan(requestOf("/app.js", { "accept-encoding": "br" }));
    plan.release?.();
    return [fieldOf(plan, "content-encoding"), fieldOf(plan, "vary")];
  };
  expect(await ask()).toEqual([undefined, "Accept-Encoding"]);
  await expect.poll(ask).toEqual(["br", "Accept-Encoding"]);
});

test("what compression makes counts in the budget", async () => {
  site.put("app.js", lines(3000, 1));
  mount = staticMount("/", site.root, { compress: { waitMs: 20_000 } });
  (await mount.plan(requestOf("/app.js"))).release?.();
  const before = mount.stats.bytes;
  const plan = await mount.plan(requestOf("/app.js", { "accept-encoding": "gzip" }));
  const { byteLength } = await bodyOf(plan);
  plan.release?.();
  expect(mount.stats.bytes - before).toBeGreaterThan(byteLength);
  mount.clear();
  expect(mount.stats.bytes).toBe(0);
});

test("what does not shrink is tried once and sent as it is", async () => {
  site.put("noise.txt", noise(50_000));
  mount = staticMount("/", site.root, { compress: { waitMs: 20_000 } });
  for (let i = 0; i < 3; i++) {
    const plan = await mount.plan(requestOf("/noise.txt", { "accept-encoding": "br" }));
    expect(fieldOf(plan, "content-encoding")).toBeUndefined();
    expect(fieldOf(plan, "vary")).toBe("Accept-Encoding");
    plan.release?.();
  }
});

test("a file that is replaced while it is compressed", async () => {
  site.put("app.js", lines(30_000, 1));
  mount = staticMount("/", site.root, { compress: { encodings: ["br"], waitMs: 20_000 }, revalidateMs: 0 });
  const early = mount.plan(requestOf("/app.js", { "accept-encoding": "br" }));
  site.put("app.js", lines(30_000, 2), 1_700_000_500);
  const late = await mount.plan(requestOf("/app.js", { "accept-encoding": "br" }));
  expect(zlib.brotliDecompressSync(await bodyOf(late)).toString()).toBe(lines(30_000, 2));
  const first = await early;
  const body = await bodyOf(first);
  const text = fieldOf(first, "content-encoding") === "br" ? zlib.brotliDecompressSync(body) : body;
  expect([lines(30_000, 1), lines(30_000, 2)].includes(text.toString())).toBe(true);
  first.release?.();
  late.release?.();
});

test("a stale sidecar is told of once", async () => {
  site.put("a.js", "new");
  site.put("a.js.br", "old", 1_600_000_000);
  mount = staticMount("/", site.root, { precompressed: true, revalidateMs: 0, cache: { bytes: 0 } });
  const told: unknown[] = [];
  const onWarning = (message: unknown): void => void told.push(message);
  diagnostics.subscribe("tz:static:warning", onWarning);
  for (let i = 0; i < 3; i++) (await mount.plan(requestOf("/a.js", { "accept-encoding": "br" }))).release?.();
  diagnostics.unsubscribe("tz:static:warning", onWarning);
  expect(told).toEqual([{ mount: "/", kind: "stale-sidecar", path: "a.js.br" }]);
});

test("channels tell of requests and answers, to those who listen", async () => {
  site.put("a.txt", "a");
  mount = staticMount("/", site.root);
  const told: string[] = [];
  const onMessage = (message: unknown, name: string | symbol): void => {
    const { target, status } = message as { target: string; status?: number };
    told.push(`${String(name)} ${target} ${status ?? ""}`);
  };
  for (const name of ["tz:static:request", "tz:static:served"]) diagnostics.subscribe(name, onMessage);
  const plan = await mount.plan(requestOf("/a.txt"));
  plan.release?.();
  for (const name of ["tz:static:request", "tz:static:served"]) diagnostics.unsubscribe(name, onMessage);
  (await mount.plan(requestOf("/a.txt"))).release?.();
  expect(told).toEqual(["tz:static:request /a.txt ", "tz:static:served /a.txt 200"]);
});

test("a broken sidecar without its file: an error before the head, to who cannot read the coding", async () => {
  const whole = zlib.gzipSync(lines(3000, 1));
  const broken: [string, Uint8Array][] = [
    ["noise.js.gz", noise(5000)],
    ["cut.js.gz", whole.subarray(0, whole.byteLength >> 1)],
  ];
  for (const [name, bytes] of broken) site.put(name, Buffer.from(bytes));
  site.put("whole.js.gz", whole);
  mount = staticMount("/", site.root, { precompressed: true });
  const ask = async (target: string): Promise<number> => {
    const plan = await mount.plan(requestOf(target));
    await bodyOf(plan);
    plan.release?.();
    return plan.head.status;
  };
  for (let i = 0; i < 2; i++) {
    expect([await ask("/noise.js"), await ask("/cut.js"), await ask("/whole.js")]).toEqual([500, 500, 200]);
  }
});

test("a sidecar without a byte is none", async () => {
  for (const suffix of ["gz", "br", "zst"]) {
    site.put(`app.js.${suffix}`, "");
    site.put(`only.js.${suffix}`, "");
  }
  site.put("app.js", lines(10, 1));
  mount = staticMount("/", site.root, { precompressed: true });
  const plan = await mount.plan(requestOf("/app.js", { "accept-encoding": "br, gzip, zstd" }));
  expect([plan.head.status, fieldOf(plan, "content-encoding")]).toEqual([200, undefined]);
  expect((await bodyOf(plan)).toString()).toBe(lines(10, 1));
  plan.release?.();
  const only = await mount.plan(requestOf("/only.js", { "accept-encoding": "gzip" }));
  expect(only.head.status).toBe(404);
  only.release?.();
});
