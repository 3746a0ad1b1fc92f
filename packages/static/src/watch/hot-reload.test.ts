/** What is cached follows the files: by event where there are events, by time everywhere. */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { isSupported } from "@tz/sys";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type StaticMount, staticMount } from "../mount.js";
import type { StaticOptions } from "../options.js";
import { bodyOf, manualClock, requestOf } from "../plan.fixture.js";
import { emptySite, type Site } from "../site.fixture.js";

let site: Site;
let mount: StaticMount;
const at = (name: string) => path.join(site.root, name);

beforeEach(() => {
  site = emptySite();
});
afterEach(() => {
  mount.close();
  site.remove();
});

function start(options: StaticOptions, root = site.root): void {
  // Time stands still: only an event can make an entry go.
  mount = staticMount("/", root, { clock: manualClock(), revalidateMs: 60_000, ...options });
}

async function answer(target: string): Promise<string> {
  const plan = await mount.plan(requestOf(target));
  const text = plan.head.status === 200 ? (await bodyOf(plan)).toString() : String(plan.head.status);
  plan.release?.();
  return text;
}

const soon = (target: string) => expect.poll(() => answer(target), { timeout: 120_000, interval: 5 });

describe.skipIf(!isSupported().supported)("by event", () => {
  test("written, copied over, moved over, removed, and back again", async () => {
    site.put("a.txt", "one");
    start({});
    expect(await answer("/a.txt")).toBe("one");
    fs.writeFileSync(at("a.txt"), "two");
    await soon("/a.txt").toBe("two");
    site.put("other.txt", "three");
    execFileSync("cp", [at("other.txt"), at("a.txt")]);
    await soon("/a.txt").toBe("three");
    site.put("other.txt", "four");
    fs.renameSync(at("other.txt"), at("a.txt"));
    await soon("/a.txt").toBe("four");
    fs.unlinkSync(at("a.txt"));
    await soon("/a.txt").toBe("404");
    site.put("a.txt", "five");
    await soon("/a.txt").toBe("five");
  });

  test("a listing tells what comes, grows, goes, and where its directory went", async () => {
    site.put("d/a.txt", "one");
    start({ listing: { html: false } });
    const names = async () =>
      JSON.parse(await answer("/d/")) as { entries: { name: string; size?: number }[] };
    const lines = (target = names) =>
      expect.poll(async () => (await target()).entries.map(({ name, size }) => `${name} ${size}`), {
        timeout: 120_000,
        interval: 5,
      });
    await lines().toEqual(["a.txt 3"]);
    site.put("d/b.txt", "b");
    await lines().toEqual(["a.txt 3", "b.txt 1"]);
    fs.appendFileSync(at("d/a.txt"), " and more");
    await lines().toEqual(["a.txt 12", "b.txt 1"]);
    fs.unlinkSync(at("d/b.txt"));
    await lines().toEqual(["a.txt 12"]);
    fs.renameSync(at("d"), at("away"));
    await soon("/d/").toBe("404");
    fs.renameSync(at("away"), at("d"));
    await lines().toEqual(["a.txt 12"]);
  });

  test("a directory is moved away and another put in its place", async () => {
    site.put("v/deep/a.txt", "old");
    site.put("next/deep/a.txt", "new");
    start({});
    expect(await answer("/v/deep/a.txt")).toBe("old");
    fs.renameSync(at("v"), at("before"));
    await soon("/v/deep/a.txt").toBe("404");
    fs.renameSync(at("next"), at("v"));
    await soon("/v/deep/a.txt").toBe("new");
    fs.writeFileSync(at("v/deep/a.txt"), "newer");
    await soon("/v/deep/a.txt").toBe("newer");
  });

  test("a directory that was not there comes with its files", async () => {
    start({});
    expect(await answer("/x/y/z.txt")).toBe("404");
    site.put("x/y/z.txt", "here");
    await soon("/x/y/z.txt").toBe("here");
  });

  test("the root is a link that is flipped to another release", async () => {
    for (const release of ["1", "2"]) {
      fs.mkdirSync(path.join(site.base, release));
      fs.writeFileSync(path.join(site.base, release, "v.txt"), release);
    }
    const current = path.join(site.base, "current");
    fs.symlinkSync("1", current);
    start({}, current);
    expect(await answer("/v.txt")).toBe("1");
    fs.symlinkSync("2", `${current}.new`);
    fs.renameSync(`${current}.new`, current);
    await soon("/v.txt").toBe("2");
    fs.writeFileSync(path.join(site.base, "2", "v.txt"), "2, changed");
    await soon("/v.txt").toBe("2, changed");
  });

  test("a sidecar comes, grows stale, and goes", async () => {
    site.put("a.js", "source");
    start({ precompressed: true });
    const encoding = async () => {
      const plan = await mount.plan(requestOf("/a.js", { "accept-encoding": "br" }));
      plan.release?.();
      const i = plan.head.fields.indexOf("Content-Encoding");
      return i < 0 ? "identity" : plan.head.fields[i + 1];
    };
    expect(await encoding()).toBe("identity");
    site.put("a.js.br", "compressed");
    await expect.poll(encoding, { timeout: 120_000, interval: 5 }).toBe("br");
    fs.writeFileSync(at("a.js"), "newer source");
    await expect.poll(encoding, { timeout: 120_000, interval: 5 }).toBe("identity");
  });

  test("a checkout of many files", async () => {
    for (let i = 0; i < 100; i++) site.put(`d${i % 7}/f${i}.txt`, `old ${i}`);
    start({});
    for (let i = 0; i < 100; i++) expect(await answer(`/d${i % 7}/f${i}.txt`)).toBe(`old ${i}`);
    for (let i = 0; i < 100; i++) site.put(`d${i % 7}/f${i}.txt`, `new ${i}`);
    for (let i = 0; i < 100; i++) await soon(`/d${i % 7}/f${i}.txt`).toBe(`new ${i}`);
  });

  test("watches are few and go with their entries", async () => {
    site.put("a/1.txt", "1");
    site.put("a/2.txt", "2");
    site.put("b/3.txt", "3");
    start({});
    for (const target of ["/a/1.txt", "/a/2.txt", "/b/3.txt"]) await answer(target);
    expect(mount.stats.watches).toBe(3);
    fs.rmSync(at("a"), { recursive: true });
    await expect.poll(() => mount.stats.watches, { timeout: 120_000 }).toBe(2);
    mount.close();
    expect(mount.stats.watches).toBe(0);
  });

  test("two mounts of one directory both see a change", async () => {
    site.put("a.txt", "one");
    start({});
    const second = staticMount("/", site.root, { clock: manualClock(), revalidateMs: 60_000 });
    const both = async () => {
      const plan = await second.plan(requestOf("/a.txt"));
      return `${await answer("/a.txt")} ${(await bodyOf(plan)).toString()}`;
    };
    expect(await both()).toBe("one one");
    fs.writeFileSync(at("a.txt"), "two");
    await expect.poll(both, { timeout: 120_000 }).toBe("two two");
    second.close();
    fs.writeFileSync(at("a.txt"), "three");
    await soon("/a.txt").toBe("three");
  });
});

describe("by time", () => {
  test.skipIf(!isSupported().supported)("a link is not believed to be watched", async () => {
    site.put("real/a.txt", "one");
    fs.symlinkSync("real/a.txt", at("link.txt"));
    const clock = manualClock();
    start({ clock, revalidateMs: 1000 });
    expect(await answer("/link.txt")).toBe("one");
    fs.writeFileSync(at("real/a.txt"), "two");
    clock.advance(1000);
    expect(await answer("/link.txt")).toBe("two");
  });

  test("a hard link is not either", async () => {
    site.put("a.txt", "one");
    fs.linkSync(at("a.txt"), path.join(site.base, "elsewhere.txt"));
    const clock = manualClock();
    start({ clock, revalidateMs: 1000 });
    expect(await answer("/a.txt")).toBe("one");
    fs.writeFileSync(path.join(site.base, "elsewhere.txt"), "two");
    clock.advance(1000);
    expect(await answer("/a.txt")).toBe("two");
  });

  test("what is watched is still looked at every few seconds", async () => {
    site.put("a.txt", "one");
    const clock = manualClock();
    start({ clock, revalidateMs: 1000 });
    expect(await answer("/a.txt")).toBe("one");
    fs.writeFileSync(at("a.txt"), "two");
    // The event has not been delivered: there was no turn of the loop.
    clock.advance(5000);
    const plan = mount.plan(requestOf("/a.txt"));
    expect((await bodyOf(await plan)).toString()).toBe("two");
  });
});
