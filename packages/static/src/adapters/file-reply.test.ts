import { createServer, file, isEpollSupported, text } from "@tz/server";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { staticMount } from "../mount.js";
import { createSite, LAST_MODIFIED, noise, type Site } from "../site.fixture.js";

const loops = isEpollSupported().supported ? (["epoll", "node"] as const) : (["node"] as const);
const LARGE = noise(3_000_000);

describe.each(loops)("file() of a handler on the %s loop", (loop) => {
  let site: Site;
  beforeAll(() => {
    site = createSite();
    site.put("reports/7 & 8.txt", "seven and eight");
    site.put("large.bin", LARGE);
    return () => site.remove();
  });

  const serve = async () => {
    const files = staticMount("/never-mounted", site.root, { maxAge: 60 });
    const app = createServer({ loop, lingerTimeoutMs: 50 });
    onTestFinished(async () => {
      await app.close({ timeoutMs: 100 });
      files.close();
    });
    app.get("/report/:name", (request) =>
      file(request, files, `reports/${request.params.name}`, {
        download: 'Überblick "1".txt',
        fields: ["Cache-Control", "no-store"],
      }),
    );
    app.get("/large", (request) => file(request, files, "/large.bin"));
    app.get("/async/*path", async (request) => file(request, files, request.params.path));
    app.post("/large", (request) => file(request, files, "large.bin"));
    app.get("/plain", (request) => file(request, files, "reports/7 & 8.txt", { download: "plain.txt" }));
    app.handle(() => text("handler"));
    const { port } = await app.listen({ port: 0 });
    return (path: string, headers: Record<string, string> = {}, method = "GET") =>
      fetch(`http://127.0.0.1:${port}${path}`, { method, headers, redirect: "manual" });
  };

  test("has the mount's type, validators and ranges, and the handler's fields", async () => {
    const get = await serve();
    const whole = await get("/report/7%20%26%208.txt");
    expect([whole.status, await whole.text()]).toEqual([200, "seven and eight"]);
    expect(whole.headers.get("content-type")).toMatch(/^text\/plain/);
    expect(whole.headers.get("last-modified")).toBe(LAST_MODIFIED);
    expect(whole.headers.get("cache-control")).toBe("no-store");
    expect(whole.headers.get("content-disposition")).toBe(
      "attachment; filename=\"_berblick _1_.txt\"; filename*=UTF-8''%C3%9Cberblick%20%221%22.txt",
    );
    const tag = whole.headers.get("etag")!;
    const again = await get("/report/7%20%26%208.txt", { "if-none-match": tag });
    expect([again.status, again.headers.get("cache-control")]).toEqual([304, "no-store"]);
    expect((await get("/plain")).headers.get("content-disposition")).toBe('attachment; filename="plain.txt"');
    const part = await get("/large", { range: "bytes=1000000-1999999" });
    expect([part.status, part.headers.get("content-range")]).toEqual([206, "bytes 1000000-1999999/3000000"]);
    expect(Buffer.from(await part.arrayBuffer()).equals(LARGE.subarray(1_000_000, 2_000_000))).toBe(true);
    expect((await get("/large", { range: "bytes=9000000-" })).status).toBe(416);
    const head = await get("/large", {}, "HEAD");
    expect([head.status, head.headers.get("content-length")]).toEqual([200, "3000000"]);
    expect(Buffer.from(await (await get("/large")).arrayBuffer()).equals(LARGE)).toBe(true);
  });

  test("an answer to POST is all of the file, whatever is asked", async () => {
    const get = await serve();
    const tag = (await get("/large", {}, "HEAD")).headers.get("etag")!;
    const all = await get("/large", { range: "bytes=0-9", "if-none-match": tag }, "POST");
    expect([all.status, (await all.arrayBuffer()).byteLength]).toEqual([200, LARGE.byteLength]);
  });

  test("stays below the mount's directory, and what is not there is 404 without the handler's fields", async () => {
    const get = await serve();
    const missing = await get("/report/none.txt");
    expect([missing.status, missing.headers.get("content-disposition")]).toEqual([404, null]);
    for (const path of [
      "..%2f..%2fetc%2fpasswd",
      "x/..%2f..%2f..%2fsecret.txt",
      "a%00b",
      "..%5csecret.txt",
      "%252e%252e/secret.txt",
      "%ff",
    ]) {
      const refused = await get(`/async/${path}`);
      expect([path, refused.status === 404 || refused.status === 400]).toEqual([path, true]);
      expect(await refused.text()).not.toContain("secret");
    }
    expect((await get("/async/reports/7%20%26%208.txt")).status).toBe(200);
  });
});
