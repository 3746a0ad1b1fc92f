import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { Cli } from "./cli.fixture.js";

const web = fileURLToPath(new URL("../web", import.meta.url));

/** Every file of the web folder and the path under which the site shows it. */
const assets = readdirSync(web, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => {
    const name = join(entry.parentPath, entry.name).slice(web.length);
    return { name, target: name.replace(/^\/start\//, "/") };
  })
  // The dashboard is beside the site, not on it.
  .filter(({ name }) => !name.startsWith("/dashboard/"));

const cacheControls: Record<string, string> = {
  static: "no-cache",
  media: "public, max-age=3600",
  cdn: "public, max-age=31536000, immutable",
  files: "no-cache",
};

test("the four mounts and the start page have files", () => {
  const folders = new Set(assets.map(({ name }) => name.split("/")[1]));
  expect([...folders].sort()).toEqual(["cdn", "files", "media", "start", "static"]);
});

test("a name below /cdn carries the hash of its content: it may be kept for a year", () => {
  for (const { name } of assets.filter((asset) => asset.name.startsWith("/cdn/"))) {
    const hash = createHash("sha256")
      .update(readFileSync(web + name))
      .digest("hex")
      .slice(0, 8);
    expect(name).toContain(`.${hash}.`);
  }
});

test("whatever the pages link to is there", () => {
  const targets = new Set(assets.map(({ target }) => target));
  const pages = assets.filter(({ name }) => /\.(html|css|js)$/.test(name));
  const links = pages.flatMap(({ name }) => [
    ...readFileSync(web + name, "utf8").matchAll(
      /["'(](\/(?:static|media|cdn|files|favicon)[\w./-]*\.\w+)["')]/g,
    ),
  ]);
  expect(links.length).toBeGreaterThan(10);
  // The one link that is meant to fail shows what 404 looks like.
  const wanted = links.map(([, target]) => target).filter((target) => target !== "/files/missing.txt");
  expect(wanted.filter((target) => !targets.has(target ?? ""))).toEqual([]);
});

describe.each(["epoll", "node"])("loop %s", (loop) => {
  let url: string;

  beforeAll(async () => {
    const cli = new Cli(["--port", "0", "--loop", loop, "--quiet"], undefined);
    ({ url } = await cli.ready());
    return async () => {
      await cli.stop();
    };
  });

  test("every file arrives as it is on disk, with the rules of its mount", async () => {
    for (const { name, target } of assets) {
      const answer = await fetch(new URL(target, url));
      expect(answer.status, target).toBe(200);
      const expected = cacheControls[target.split("/")[1] ?? ""];
      if (expected) expect(answer.headers.get("cache-control"), target).toBe(expected);
      expect(Buffer.from(await answer.arrayBuffer()).equals(readFileSync(web + name)), target).toBe(true);
    }
  });

  test("/ is the start page", async () => {
    const answer = await fetch(url);
    expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(await answer.text()).toContain("<title>tz-static");
  });

  test("the clip comes by ranges that join to the file", async () => {
    const clip = readFileSync(join(web, "media/ranges.webm"));
    const parts: Buffer[] = [];
    const step = 300_001;
    for (let from = 0; from < clip.length; from += step) {
      const answer = await fetch(new URL("/media/ranges.webm", url), {
        headers: { Range: `bytes=${from}-${from + step - 1}` },
      });
      expect(answer.status).toBe(206);
      expect(answer.headers.get("content-type")).toBe("video/webm");
      const last = Math.min(from + step, clip.length) - 1;
      expect(answer.headers.get("content-range")).toBe(`bytes ${from}-${last}/${clip.length}`);
      parts.push(Buffer.from(await answer.arrayBuffer()));
    }
    expect(Buffer.concat(parts).equals(clip)).toBe(true);
  });

  test("/files lists its folders, each name a link that works", async () => {
    for (const [folder, name] of [
      ["/files/", "status-codes.csv"],
      ["/files/notes/", "ranges.txt"],
    ] as const) {
      const page = await (await fetch(new URL(folder, url))).text();
      const links = [...page.matchAll(/href="([^"?#]+)"/g)].map(
        ([, link]) => new URL(link ?? "", new URL(folder, url)),
      );
      expect(links.map(({ pathname }) => pathname)).toContain(folder + name);
      for (const link of links) expect((await fetch(link)).status, link.pathname).toBe(200);
    }
  });

  test("mounts end at a slash, and the other folders without index are not listed", async () => {
    for (const target of ["/static/", "/media/", "/cdn/"]) {
      expect((await fetch(new URL(target, url))).status, target).toBe(403);
    }
    for (const target of ["/filesreadme.txt", "/staticx/style.css", "/start/index.html"]) {
      expect((await fetch(new URL(target, url))).status, target).toBe(404);
    }
  });
});
