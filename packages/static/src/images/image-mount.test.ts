import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createServer } from "@tz/server";
import sharp from "sharp";
import { afterEach, beforeAll, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { toFetchHandler } from "../adapters/fetch.js";
import { StaticError } from "../errors.js";
import { exchange } from "../matrix/exchange.fixture.js";
import type { StaticOptions } from "../options.js";
import { emptySite, type Site } from "../site.fixture.js";
import { type ImageMount, imageMount } from "./image-mount.js";
import type { ImageOptions } from "./options.js";

const BROWSER = "image/avif,image/webp,*/*;q=0.8";
const WEBP = "image/webp,*/*";

let jpeg: Buffer;
let png: Buffer;
let gif: Buffer;
beforeAll(async () => {
  const pixels = Buffer.alloc(400 * 300 * 3);
  for (let i = 0; i < pixels.length; i++) pixels[i] = (i * 7 + (i >> 9) * 13) & 255;
  const raw = { width: 400, height: 300, channels: 3 } as const;
  jpeg = await sharp(pixels, { raw }).blur(2).jpeg({ quality: 95 }).toBuffer();
  png = await sharp(pixels, { raw }).blur(3).png().toBuffer();
  const frame = { create: { width: 8, height: 8, channels: 4 as const, background: "red" } };
  gif = await sharp(
    [
      await sharp(frame).png().toBuffer(),
      await sharp({ create: { ...frame.create, background: "blue" } })
        .png()
        .toBuffer(),
    ],
    {
      join: { animated: true },
    },
  )
    .webp({ lossless: true })
    .toBuffer();
});

let site: Site;
let cacheDir: string;
const mounts: ImageMount[] = [];
beforeEach(() => {
  site = emptySite();
  cacheDir = mkdtempSync(path.join(tmpdir(), "tz-images-"));
  site.put("a.jpg", jpeg);
  site.put("b.png", png);
});
afterEach(() => {
  for (const mount of mounts.splice(0)) mount.close();
  site.remove();
  rmSync(cacheDir, { recursive: true, force: true });
});

interface Images {
  readonly mount: ImageMount;
  get(target: string, accept?: string, fields?: Record<string, string>, method?: string): Promise<Response>;
}

async function images(given: Partial<ImageOptions> = {}, options: StaticOptions = {}): Promise<Images> {
  const mount = await imageMount(
    "/",
    site.root,
    { cacheDir, widths: [100, 5000], waitMs: 50_000, ...given },
    options,
  );
  mounts.push(mount);
  const handler = toFetchHandler(mount);
  return {
    mount,
    get: (target, accept, fields = {}, method = "GET") =>
      handler(
        new Request(`http://localhost${target}`, {
          method,
          headers: { ...(accept !== undefined && { Accept: accept }), ...fields },
        }),
      ),
  };
}

const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());

test("AVIF and WebP by Accept, each with validators of its own, and Vary everywhere", async () => {
  const { get, mount } = await images(
    {},
    { maxAge: 60, headers: { "*.jpg": { "X-Kind": "photo", Vary: "DPR" } } },
  );
  const seen = new Map<string, string>();
  for (const [accept, type] of [
    [BROWSER, "image/avif"],
    [WEBP, "image/webp"],
    ["*/*", "image/jpeg"],
  ] as const) {
    const response = await get("/a.jpg", accept);
    expect(response.status).toBe(200);
    const { headers } = response;
    expect(headers.get("content-type")).toBe(type);
    expect(headers.get("vary")).toBe("DPR, Accept");
    expect(headers.get("x-kind")).toBe("photo");
    expect(headers.get("cache-control")).toBe("public, max-age=60");
    const body = await bytesOf(response);
    expect(Number(headers.get("content-length"))).toBe(body.byteLength);
    const { width, format } = await sharp(body).metadata();
    expect([width, format === "heif" ? "avif" : format]).toEqual([400, type.slice(6)]);
    seen.set(headers.get("etag") ?? "", type);
    const again = await get("/a.jpg", accept, { "If-None-Match": headers.get("etag") ?? "" });
    expect(again.status).toBe(304);
    expect(again.headers.get("vary")).toBe("DPR, Accept");
    expect(again.headers.get("etag")).toBe(headers.get("etag"));
  }
  expect(seen.size).toBe(3);
  expect(mount.stats).toMatchObject({ converted: 2, failed: 0, files: 2 });
  expect(mount.stats.bytes).toBeLessThan(jpeg.byteLength * 2);
});

test("HEAD, ranges and conditions of a converted image", async () => {
  const { get } = await images();
  const whole = await get("/b.png", WEBP);
  const body = await bytesOf(whole);
  const head = await get("/b.png", WEBP, {}, "HEAD");
  expect(Object.fromEntries(head.headers)).toEqual(Object.fromEntries(whole.headers));
  const part = await get("/b.png", WEBP, { Range: "bytes=10-19" });
  expect(part.status).toBe(206);
  expect(part.headers.get("content-range")).toBe(`bytes 10-19/${body.byteLength}`);
  expect(await bytesOf(part)).toEqual(body.subarray(10, 20));
  expect((await get("/b.png", WEBP, { "If-Match": '"x"' })).status).toBe(412);
  expect((await get("/b.png", WEBP, {}, "POST")).status).toBe(405);
});

test("widths of the list only; nothing is made larger", async () => {
  const { get, mount } = await images();
  const small = await sharp(await bytesOf(await get("/a.jpg?w=100", WEBP))).metadata();
  expect(small).toMatchObject({ width: 100, height: 75, format: "webp" });
  const same = await sharp(await bytesOf(await get("/a.jpg?w=100", "*/*"))).metadata();
  expect(same).toMatchObject({ width: 100, format: "jpeg" });
  const large = await get("/a.jpg?w=5000", "*/*");
  expect(await bytesOf(large)).toEqual(jpeg);
  for (const query of ["w=101", "w=0", "w=1e2", "w=100&w=100", "w"]) {
    const response = await get(`/a.jpg?${query}`, BROWSER);
    expect(response.status, query).toBe(400);
    expect(await response.text()).not.toContain(site.root);
  }
  expect((await get("/index.html?w=7")).status).toBe(404);
  expect(mount.stats.converted).toBe(2);
});

test("each form is made once, however many ask at once", async () => {
  const { get, mount } = await images({ concurrency: 1 });
  const all = await Promise.all(Array.from({ length: 20 }, (_, i) => get("/a.jpg", i % 2 ? WEBP : BROWSER)));
  expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]));
  expect(mount.stats.converted).toBe(2);
});

test("who cannot wait gets the image as it is, and later the other form", async () => {
  const { get } = await images({ waitMs: 0 });
  const first = await get("/a.jpg", BROWSER);
  expect(await bytesOf(first)).toEqual(jpeg);
  expect(first.headers.get("vary")).toBe("Accept");
  const typeNow = async () => (await get("/a.jpg", BROWSER)).headers.get("content-type");
  await expect.poll(typeNow, { timeout: 120_000 }).toBe("image/avif");
});

test("a restart finds what was converted; another version of the source does not", async () => {
  const first = await images();
  const body = await bytesOf(await first.get("/a.jpg", WEBP));
  first.mount.close();
  const second = await images();
  const kept = await second.get("/a.jpg", WEBP);
  expect(await bytesOf(kept)).toEqual(body);
  expect(second.mount.stats).toMatchObject({ converted: 0, files: 1 });

  const other = await sharp(jpeg).negate().jpeg({ quality: 95 }).toBuffer();
  site.put("a.jpg", other, 1_700_000_500);
  const changed = async () => (await bytesOf(await second.get("/a.jpg", WEBP))).equals(body);
  await expect.poll(changed, { timeout: 120_000 }).toBe(false);
  expect((await sharp(await bytesOf(await second.get("/a.jpg", WEBP))).metadata()).format).toBe("webp");
});

test("what somebody removes from the cache directory is made anew", async () => {
  const { get, mount } = await images({}, { cache: { bytes: 0, fds: 0 } });
  const body = await bytesOf(await get("/a.jpg", WEBP));
  for (const name of readdirSync(cacheDir)) unlinkSync(path.join(cacheDir, name));
  const again = await get("/a.jpg", WEBP);
  expect(again.headers.get("content-type")).toBe("image/webp");
  expect(await bytesOf(again)).toEqual(body);
  expect(mount.stats.converted).toBe(2);
});

test("broken images, animations, large and small ones go out as they are", async () => {
  const { get, mount } = await images({ maxSourceBytes: 300_000, maxSourcePixels: 10_000_000 });
  const broken = Buffer.from("this is no image");
  site.put("broken.jpg", broken);
  site.put("cut.jpg", jpeg.subarray(0, 200));
  site.put("moving.webp", gif);
  site.put("large.jpg", Buffer.concat([jpeg, Buffer.alloc(300_000)]));
  const dot = await sharp({ create: { width: 1, height: 1, channels: 3, background: "red" } })
    .png()
    .toBuffer();
  site.put("dot.png", dot);
  const bomb = await sharp({ create: { width: 5000, height: 5000, channels: 3, background: "red" } })
    .png()
    .toBuffer();
  site.put("bomb.png", bomb);
  for (const [name, bytes] of Object.entries({
    "broken.jpg": broken,
    "moving.webp": gif,
    "dot.png": dot,
    "bomb.png": bomb,
  })) {
    const response = await get(`/${name}`, BROWSER);
    expect([name, response.status]).toEqual([name, 200]);
    expect((await bytesOf(response)).equals(bytes), name).toBe(true);
  }
  expect((await bytesOf(await get("/cut.jpg", BROWSER))).byteLength).toBe(200);
  expect((await get("/large.jpg", BROWSER)).headers.get("content-type")).toBe("image/jpeg");
  const { failed } = mount.stats;
  expect(failed).toBeGreaterThanOrEqual(2);
  // Known to be of no use: not tried again.
  await get("/broken.jpg", BROWSER);
  expect(mount.stats.failed).toBe(failed);
});

test("the rules of the mount hold for what is converted", async () => {
  site.put("../outside/secret.jpg", jpeg);
  site.put(".hidden.jpg", jpeg);
  site.put("private/x.jpg", jpeg);
  symlinkSync("../outside/secret.jpg", path.join(site.root, "link.jpg"));
  const { get, mount } = await images({}, { deny: ["private/**"], maxFileBytes: 10_000_000 });
  for (const target of ["/link.jpg", "/.hidden.jpg", "/private/x.jpg", "/none.jpg", "/a.jpg/"]) {
    expect((await get(target, BROWSER)).status, target).toBe(404);
  }
  for (const name of readdirSync(cacheDir)) expect((await get(`/${name}`, BROWSER)).status).toBe(404);
  expect(mount.stats.converted).toBe(0);
});

test("a cache that cannot be written to: images as they are", async () => {
  const { get, mount } = await images();
  rmSync(cacheDir, { recursive: true });
  writeFileSync(cacheDir, "a file");
  expect((await get("/a.jpg", WEBP)).headers.get("content-type")).toBe("image/jpeg");
  expect(mount.stats).toMatchObject({ converted: 1, files: 0 });
  // For a while nothing is converted for nothing.
  expect((await get("/b.png", WEBP)).headers.get("content-type")).toBe("image/png");
  expect(mount.stats.converted).toBe(1);
});

test("the directory stays within its bytes", async () => {
  const cacheBytes = 1024 * 1024;
  const noise = Buffer.alloc(700 * 700 * 3);
  for (let i = 0, x = 1; i < noise.length; i++) noise[i] = (x = (x * 48_271) % 2_147_483_647) & 255;
  const raw = { width: 700, height: 700, channels: 3 } as const;
  const large = await sharp(noise, { raw }).png().toBuffer();
  const { get, mount } = await images({ cacheBytes, formats: ["webp"], webpQuality: 95 });
  for (let i = 0; i < 4; i++) {
    site.put(`n${i}.png`, large, 1_700_000_000 + i);
    expect((await get(`/n${i}.png`, WEBP)).headers.get("content-type")).toBe("image/webp");
  }
  expect(mount.stats.evictions).toBeGreaterThan(0);
  expect(mount.stats.bytes).toBeLessThanOrEqual(cacheBytes);
  expect(readdirSync(cacheDir)).toHaveLength(mount.stats.files);
});

test.each(["epoll", "node"] as const)("below a prefix on the server's %s loop", async (loop) => {
  const mount = await imageMount("/photos", site.root, { cacheDir, waitMs: 50_000 });
  const app = createServer(loop === "epoll" ? {} : { loop });
  app.mount(mount);
  onTestFinished(() => app.close());
  const { port } = await app.listen({ host: "127.0.0.1", port: 0 });
  for (let i = 0; i < 3; i++) {
    const request = { method: "GET", target: "/photos/a.jpg", headers: { Accept: WEBP } };
    const { status, headers, body } = await exchange(port, request);
    expect([status, headers["content-type"], headers.vary]).toEqual([200, "image/webp", "Accept"]);
    expect((await sharp(body).metadata()).format).toBe("webp");
  }
  expect(mount.stats.converted).toBe(1);
});

test("options are checked, and sharp must be there", async () => {
  const refused = async (given: object): Promise<StaticError> => {
    const reason = await imageMount("/", site.root, given as ImageOptions).catch((error: unknown) => error);
    expect(reason).toBeInstanceOf(StaticError);
    return reason as StaticError;
  };
  expect((await refused({})).message).toMatch(/"cacheDir" must be a path, got undefined/);
  expect((await refused({ cacheDir, widths: [0] })).message).toMatch(
    /"widths".*1 to 16383 \(pixels\), got \[0\]/,
  );
  expect((await refused({ cacheDir, size: 1 })).message).toMatch(
    /unknown option "size" \(1\); known are cacheDir/,
  );
  expect((await refused({ cacheDir, formats: ["jxl"] })).message).toMatch(/"formats".*"avif", "webp"/);
  copyFileSync(path.join(site.root, "a.jpg"), path.join(site.base, "file"));
  expect(await refused({ cacheDir: path.join(site.base, "file") })).toMatchObject({ code: "TZ_STATIC_ROOT" });
  vi.doMock("sharp", () => {
    throw new Error("not installed");
  });
  vi.resetModules();
  onTestFinished(() => {
    vi.doUnmock("sharp");
    vi.resetModules();
  });
  const { imageMount: withoutSharp } = await import("./image-mount.js");
  await expect(withoutSharp("/", site.root, { cacheDir })).rejects.toMatchObject({
    code: "TZ_STATIC_SHARP",
    message: expect.stringContaining("npm i sharp"),
  });
});
