/** The short way gives what the long way gives, byte for byte, or leaves the request to it. */
import fs from "node:fs";
import path from "node:path";
import type { ResponsePlan } from "@tz/http1";
import { hasOpenat2, isSupported, regionStats } from "@tz/sys";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type StaticMount, staticMount } from "../mount.js";
import type { StaticOptions } from "../options.js";
import { bodyOf, bytesRequestOf, requestOf } from "../plan.fixture.js";
import { emptySite, type Site } from "../site.fixture.js";
import { ColdSlot } from "./cold-slots.js";

let site: Site;
const mounts: StaticMount[] = [];

beforeEach(() => {
  site = emptySite();
});
afterEach(() => {
  for (const mount of mounts.splice(0)) mount.close();
  site.remove();
});

function mountOf(options: StaticOptions = {}, prefix = "/"): StaticMount {
  const mount = staticMount(prefix, site.root, { cache: { bytes: 0 }, ...options });
  mounts.push(mount);
  return mount;
}

type Plan = ResponsePlan;

/** What a client would see of it; the plan is given back. */
async function seen(plan: Plan): Promise<{ status: number; head: string; body: string }> {
  const { status } = plan.head;
  const head = Buffer.from(plan.head.bytes).toString("latin1");
  const body = (await bodyOf(plan)).toString("latin1");
  plan.release?.();
  return { status, head, body };
}

const short = (mount: StaticMount, target: string, headers = {}, method = "GET") =>
  mount.plan(bytesRequestOf(target, headers, method));
/** A request that is no bytes any more never goes the short way. */
const long = async (mount: StaticMount, target: string) => seen(await mount.plan(requestOf(target)));

/** The plan, once the file has been at rest for long enough to be answered the short way. */
async function settled(mount: StaticMount, target: string): Promise<ColdSlot> {
  let plan: Plan | undefined;
  await expect
    .poll(
      async () => {
        plan?.release?.();
        plan = await short(mount, target);
        return plan instanceof ColdSlot;
      },
      { timeout: 60_000 },
    )
    .toBe(true);
  return plan as ColdSlot;
}

describe.skipIf(!isSupported().supported || !hasOpenat2())("with system calls", () => {
  test.each<[string, StaticOptions]>([
    ["defaults", {}],
    ["no tag, no date, no ranges", { etag: false, lastModified: false, ranges: false }],
    ["fields by glob", { headers: { "**/*.css": { "X-Kind": "style" } }, securityHeaders: true }],
    ["fields by function", { headers: (name: string) => ({ "X-Name": name }) }],
    ["cors, max-age, own types", { cors: true, maxAge: 60, mime: { ".css": "text/x-own" } }],
    ["immutable by glob", { immutable: ["b/**"] }],
    ["a manifest", { manifest: { files: { "a.css": { preload: ["/x.js"] } } } }],
    ["no immutable, no charset", { immutable: false, charset: false }],
  ])("the same bytes as the long way: %s", async (_name, options) => {
    const names = [
      "a.css",
      "b/c.JS",
      "b/app.3f2a9c1b.js",
      "index-BX3k9_aZ.js",
      "noext",
      "dir.d/x.y.html",
      "e~_-1.txt",
    ];
    for (const name of names) site.put(name, `content of ${name}\n`);
    site.put("empty.txt", "");
    const mount = mountOf(options);
    for (const name of [...names, "empty.txt"]) {
      const plan = await settled(mount, `/${name}`);
      const { packed, headText } = plan;
      expect(packed.byteLength - packed.headByteLength).toBe(
        plan.body.kind === "bytes" ? plan.body.bytes.length : -1,
      );
      expect(packed.headByteLength).toBe(headText.length);
      const { fields } = plan.head;
      const expected = await mount.plan(requestOf(`/${name}`));
      expect(fields).toEqual(expected.head.fields);
      expected.release?.();
      expect(await seen(plan)).toEqual(await long(mount, `/${name}`));
    }
  });

  test("below a prefix, and only below it", async () => {
    site.put("a.txt", "a\n");
    site.put("assets-b/a.txt", "no\n");
    const mount = mountOf({}, "/assets");
    expect((await seen(await settled(mount, "/assets/a.txt"))).body).toBe("a\n");
    expect((await seen(await short(mount, "/assets-b/a.txt"))).status).toBe(404);
  });

  test("what is no plain file at rest goes the long way", async () => {
    site.put("a.txt", "a\n");
    site.put(".env", "secret\n");
    site.put("d/index.html", "index\n");
    site.put("large.bin", Buffer.alloc(15 * 1024));
    site.put("constant.txt", "constant\n", 1);
    fs.symlinkSync("a.txt", path.join(site.root, "link.txt"));
    const mount = mountOf({ maxFileBytes: 1024 * 1024 });
    (await settled(mount, "/a.txt")).release();
    for (const [target, status] of [
      ["/.env", 404],
      ["/d", 308],
      ["/d/", 200],
      ["/missing.txt", 404],
      ["/large.bin", 200],
      ["/constant.txt", 200],
      ["/link.txt", 200],
      ["/a.txt?x=1", 200],
      ["/%61.txt", 200],
      ["//a.txt", 308],
      ["/../a.txt", 400],
      ["/a.txt/", 404],
      ["a.txt", 400],
      ["/a\\b", 400],
    ] as const) {
      const plan = await short(mount, target);
      expect(plan, target).not.toBeInstanceOf(ColdSlot);
      expect((await seen(plan)).status, target).toBe(status);
    }
    for (const [headers, method] of [
      [{ range: "bytes=0-0" }, "GET"],
      [{ "if-none-match": "*" }, "GET"],
      [{}, "HEAD"],
      [{}, "POST"],
    ] as const) {
      const plan = await short(mount, "/a.txt", headers, method);
      expect(plan).not.toBeInstanceOf(ColdSlot);
      plan.release?.();
    }
  });

  test("rules about names and sizes hold", async () => {
    site.put("a.txt", "a\n");
    site.put("b.php", "b\n");
    site.put("big.txt", "x".repeat(2000));
    const mount = mountOf({ denyExtensions: ["php"], maxFileBytes: 1024 });
    (await settled(mount, "/a.txt")).release();
    expect((await seen(await short(mount, "/b.php"))).status).toBe(404);
    expect((await seen(await short(mount, "/big.txt"))).status).toBe(413);
  });

  test("a file that was just written to is not believed at one look", async () => {
    site.put("a.txt", "a\n");
    const mount = mountOf();
    (await settled(mount, "/a.txt")).release();
    fs.appendFileSync(path.join(site.root, "a.txt"), "more\n");
    // The clock of the machine may already be further: what counts is what is sent.
    expect((await seen(await short(mount, "/a.txt"))).body).toBe("a\nmore\n");
    const ahead = Date.now() / 1000 + 3600;
    fs.utimesSync(path.join(site.root, "a.txt"), ahead, ahead);
    expect((await seen(await settled(mount, "/a.txt"))).head).not.toContain("Last-Modified");
  });

  test("a callback that throws is told of by the long way", async () => {
    site.put("a.txt", "a\n");
    site.put("b.txt", "b\n");
    const mount = mountOf({
      headers: (name) => {
        if (name === "b.txt") throw new Error("no");
        return {};
      },
    });
    (await settled(mount, "/a.txt")).release();
    expect((await seen(await short(mount, "/b.txt"))).status).toBe(500);
  });

  test("slots are taken in turn, used again, bounded, and outlive the mount until they are sent", async () => {
    site.put("a.txt", "a\n");
    const mount = mountOf();
    const first = await settled(mount, "/a.txt");
    const others = new Set<Plan>();
    for (;;) {
      const plan = await short(mount, "/a.txt");
      if (!(plan instanceof ColdSlot)) {
        plan.release?.();
        break;
      }
      others.add(plan);
    }
    expect(others.size).toBe(255);
    expect(new Set([...others, first].map((plan) => plan.packed?.address)).size).toBe(256);
    for (const plan of others) plan.release?.();
    const again = await short(mount, "/a.txt");
    expect(others).toContain(again);
    again.release?.();
    // Whoever gives back twice must not put a slot into two hands.
    again.release?.();
    expect(await short(mount, "/a.txt")).not.toBe(await short(mount, "/a.txt"));
    first.release();
    const held = await settled(mount, "/a.txt");
    mount.close();
    expect((await bodyOf(held)).toString()).toBe("a\n");
    held.release();
  });

  test("no descriptor and no memory stays", async () => {
    site.put("a.txt", "a\n");
    const warm = mountOf();
    (await settled(warm, "/a.txt")).release();
    const openFiles = () => fs.readdirSync("/proc/self/fd").length;
    const before = { files: openFiles(), regions: regionStats().regions };
    const mount = mountOf();
    const plan = await settled(mount, "/a.txt");
    for (const target of ["/missing", "/a.txt/", "/a.txt"]) (await short(mount, target)).release?.();
    mount.close();
    expect(regionStats().regions).toBeGreaterThan(before.regions);
    plan.release();
    expect({ files: openFiles(), regions: regionStats().regions }).toEqual(before);
  });
});
