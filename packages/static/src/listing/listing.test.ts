import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type StaticMount, staticMount } from "../mount.js";
import { bodyOf, fieldOf, requestOf } from "../plan.fixture.js";
import { emptySite, type Site } from "../site.fixture.js";
import { sortCooperatively } from "./cooperative-sort.js";
import { humanSize } from "./html-page.js";
import { naturalKey } from "./natural-order.js";

let site: Site;
let mount: StaticMount;
beforeEach(() => {
  site = emptySite();
});
afterEach(() => {
  mount?.close();
  site.remove();
});

interface Listed {
  entries: { name: string; type: string; size?: number; modified?: string }[];
  page: number;
  pages: number;
  total: number;
}

async function listed(target: string): Promise<Listed> {
  const plan = await mount.plan(requestOf(target, { accept: "application/json" }));
  expect(plan.head.status).toBe(200);
  return JSON.parse((await bodyOf(plan)).toString()) as Listed;
}
async function page(target: string): Promise<string> {
  const plan = await mount.plan(requestOf(target, { accept: "text/html" }));
  expect(plan.head.status).toBe(200);
  return (await bodyOf(plan)).toString();
}
const namesOf = ({ entries }: Listed) => entries.map(({ name }) => name);

test("names sort as people do", () => {
  const sorted = [
    "a",
    "B",
    "ä",
    "z2",
    "z10",
    "z1",
    "Z9",
    "1",
    "02",
    "10",
    "2",
    "img12.png",
    "img2.png",
    "img002.png",
  ].sort((a, b) => (naturalKey(a) < naturalKey(b) ? -1 : 1));
  expect(sorted).toEqual([
    "1",
    "02",
    "2",
    "10",
    "a",
    "ä",
    "B",
    "img002.png",
    "img2.png",
    "img12.png",
    "z1",
    "z2",
    "Z9",
    "z10",
  ]);
});

test.runIf(process.platform === "linux").each(["auto", false] as const)(
  "names without an address are not listed, sys: %s",
  async (sys) => {
    for (const name of ["a.txt", "b\\c.txt", "d\ne.txt", "f\x7f.txt", "g\ufffd.txt"]) site.put(name, "x");
    fs.writeFileSync(Buffer.concat([Buffer.from(`${site.root}/h`), Buffer.from([0xff])]), "x");
    mount = staticMount("/", site.root, { listing: true, sys });
    const names = namesOf(await listed("/"));
    expect(names).toEqual(["a.txt", "g\ufffd.txt"]);
    for (const name of names) {
      expect((await mount.plan(requestOf(`/${encodeURIComponent(name)}`))).head.status).toBe(200);
    }
  },
);

test("cooperative sorting sorts, and is stable", async () => {
  const items = Array.from({ length: 30_000 }, (_, i) => ({ key: (i * 7919) % 1000, i }));
  const sorted = await sortCooperatively(items, (a, b) => a.key - b.key);
  expect(sorted).toEqual([...items].sort((a, b) => a.key - b.key));
  expect(await sortCooperatively([], () => 0)).toEqual([]);
});

test("sizes in words", () => {
  expect([0, 1023, 1024, 1536, 150 * 1024, 5 * 2 ** 30].map(humanSize)).toEqual([
    "0 B",
    "1023 B",
    "1.0 KiB",
    "1.5 KiB",
    "150 KiB",
    "5.0 GiB",
  ]);
});

test("directories first; by name, size and time, both ways", async () => {
  site.put("b.txt", "x".repeat(30), 1_700_000_000);
  site.put("a.txt", "x".repeat(10), 1_700_000_200);
  site.put("c.txt", "x".repeat(20), 1_700_000_100);
  site.put("z/x", "");
  site.put("y/x", "");
  fs.utimesSync(path.join(site.root, "y"), 1, 1_600_000_000);
  fs.utimesSync(path.join(site.root, "z"), 1, 1_500_000_000);
  mount = staticMount("/", site.root, { listing: true });
  expect(namesOf(await listed("/"))).toEqual(["y", "z", "a.txt", "b.txt", "c.txt"]);
  expect(namesOf(await listed("/?order=desc"))).toEqual(["z", "y", "c.txt", "b.txt", "a.txt"]);
  expect(namesOf(await listed("/?sort=size"))).toEqual(["y", "z", "a.txt", "c.txt", "b.txt"]);
  expect(namesOf(await listed("/?sort=time&order=desc"))).toEqual(["y", "z", "a.txt", "c.txt", "b.txt"]);
  expect(namesOf(await listed("/?sort=nonsense&page=-1"))).toEqual(["y", "z", "a.txt", "b.txt", "c.txt"]);
  expect((await listed("/")).entries[2]).toEqual({
    name: "a.txt",
    type: "file",
    size: 10,
    modified: "2023-11-14T22:16:40.000Z",
  });
});

test("links lead where they say, whatever the names are", async () => {
  for (const name of ["javascript:alert(1)", "a b&c?.txt", "ünï#.txt", "'quote\".txt"])
    site.put(`d/${name}`, name);
  site.put("d/sub dir/x", "");
  mount = staticMount("/p", site.root, { listing: true });
  const html = await page("/p/d/");
  const links = [...html.matchAll(/<td><a href="([^"]*)"/g)].map(([, href]) =>
    href!.replaceAll("&amp;", "&").replaceAll("&#39;", "'"),
  );
  expect(links).toContain("../".padStart(5, "./"));
  for (const link of links.filter((each) => !each.endsWith("/"))) {
    const { pathname, host } = new URL(link, "http://localhost/p/d/");
    expect(host).toBe("localhost");
    const plan = await mount.plan(requestOf(pathname));
    expect(plan.head.status).toBe(200);
    plan.release?.();
  }
  expect(links).toContain("./sub%20dir/");
  expect(html).not.toContain("<script");
});

test("a listing without a slash at its end has links that work too", async () => {
  site.put("d/x.txt", "x");
  mount = staticMount("/", site.root, { listing: true, trailingSlash: "never" });
  const html = await page("/d");
  const href = /href="([^"]*x\.txt)"/.exec(html)?.[1] ?? "";
  expect(new URL(href, "http://localhost/d").pathname).toBe("/d/x.txt");
  const up = /<a href="([^"]*)">\.\.\//.exec(html)?.[1] ?? "";
  expect(new URL(up, "http://localhost/d").pathname).toBe("/");
});

test("structure for assistive technology, and no script", async () => {
  site.put("d/e/x.txt", "x");
  mount = staticMount("/", site.root, { listing: true });
  const html = await page("/d/e/?sort=size");
  expect(html).toMatch(/<html lang="en">/);
  expect(html).toMatch(/<main>\s*<h1>/);
  expect(html).toMatch(/<caption>1 entry<\/caption>/);
  expect(html).toMatch(/<th scope="col" aria-sort="ascending">/);
  expect(html).toMatch(/aria-current="page">e</);
  expect(html).toMatch(/<time datetime="2023-11-14T22:13:20\.000Z">/);
  expect(html).toContain("color-scheme:light dark");
  expect(html).not.toMatch(/<script|onclick|javascript:/i);
  const crumb = /<h1>Index of <a href="([^"]*)">\/<\/a><a href="([^"]*)">d<\/a>/.exec(html);
  expect(new URL(crumb![1]!, "http://h/d/e/").pathname).toBe("/");
  expect(new URL(crumb![2]!, "http://h/d/e/").pathname).toBe("/d/");
});

test("many entries come in pages", async () => {
  fs.mkdirSync(path.join(site.root, "many"));
  for (let i = 0; i < 1000; i++) fs.writeFileSync(path.join(site.root, "many", `file${i}.txt`), "");
  mount = staticMount("/", site.root, { listing: { pageSize: 300 } });
  const seen: string[] = [];
  for (let number = 1; number <= 4; number++) {
    const part = await listed(`/many/?page=${number}`);
    expect(part).toMatchObject({ page: number, pages: 4, total: 1000 });
    seen.push(...namesOf(part));
  }
  expect(seen).toEqual(Array.from({ length: 1000 }, (_, i) => `file${i}.txt`));
  const html = await page("/many/?page=2&sort=name&order=desc");
  expect(html).toContain("page 2 of 4");
  expect(html).toMatch(/rel="prev" href="\?sort=name&amp;order=desc"/);
  expect(html).toMatch(/rel="next" href="\?sort=name&amp;order=desc&amp;page=3"/);
  expect((await mount.plan(requestOf("/many/?page=5"))).head.status).toBe(404);
});

test("a listing follows its directory, and its tag with it", async () => {
  site.put("d/a.txt", "a");
  mount = staticMount("/", site.root, { listing: true, revalidateMs: 0 });
  const etag = fieldOf(await mount.plan(requestOf("/d/")), "etag")!;
  expect((await mount.plan(requestOf("/d/", { "if-none-match": etag }))).head.status).toBe(304);
  site.put("d/b.txt", "b");
  expect((await mount.plan(requestOf("/d/", { "if-none-match": etag }))).head.status).toBe(200);
  expect(namesOf(await listed("/d/"))).toEqual(["a.txt", "b.txt"]);
  fs.appendFileSync(path.join(site.root, "d/b.txt"), "more");
  expect((await listed("/d/")).entries[1]?.size).toBe(5);
});
