import { expect, test } from "vitest";
import { linksOfPage } from "./page-links.js";

const files = new Set(["assets/a.js", "assets/b.css", "blog/c.css", "f.woff2", "with space.js", "d.js"]);
const links = (html: string, page = "index.html", prefix = "/"): string[] =>
  linksOfPage(html, page, prefix, (path) => files.has(path));

test("style sheets, scripts, modules and preloads, each once and in their order", () => {
  const html = `<!doctype html><link rel="stylesheet" href="/assets/b.css">
    <script type=module crossorigin src="/assets/a.js"></script>
    <LINK REL='preload' AS='font' HREF='f.woff2' CROSSORIGIN>
    <link rel=modulepreload href=./d.js>
    <script src="with%20space.js?v=1&amp;w=2" defer></script>
    <link rel="stylesheet" href="/assets/b.css">`;
  expect(links(html)).toEqual([
    "</assets/b.css>; rel=preload; as=style",
    "</assets/a.js>; rel=modulepreload; crossorigin",
    "</f.woff2>; rel=preload; as=font; crossorigin",
    "</d.js>; rel=modulepreload",
    "</with%20space.js?v=1&w=2>; rel=preload; as=script",
  ]);
});

test("addresses are relative to the page, and begin with the prefix", () => {
  expect(links('<link rel=stylesheet href="c.css">', "blog/post.html")).toEqual([
    "</blog/c.css>; rel=preload; as=style",
  ]);
  expect(links('<script src="/x/d.js"></script><script src="/d.js"></script>', "index.html", "/x")).toEqual([
    "</x/d.js>; rel=preload; as=script",
  ]);
});

test.each([
  ["a comment", '<!-- <script src="/d.js"></script> -->'],
  ["a comment without end", '<!-- <script src="/d.js"></script>'],
  [
    "another site",
    '<script src="https://cdn.example/d.js"></script><script src="//cdn.example/d.js"></script>',
  ],
  ["a missing file", '<script src="/none.js"></script>'],
  ["a style sheet for some media", '<link rel=stylesheet media=print href="/assets/b.css">'],
  ["an alternate style sheet", '<link rel="alternate stylesheet" href="/assets/b.css">'],
  ["a data address", '<script src="data:text/javascript,1"></script>'],
  ["not an address", '<script src="http://[/"></script>'],
  ["a preload of nothing", '<link rel=preload href="/d.js">'],
  ["inline", "<script>1</script><link>"],
  ["an icon", '<link rel=icon href="/d.js">'],
])("left out: %s", (_name, html) => {
  expect(links(html)).toEqual([]);
});

test("what is written into a field has no way to end it", () => {
  const html = `<script src="/d.js?&quot;\r\nX: 1"></script><link rel=preload as="x; y" href="/d.js">`;
  for (const link of links(html)) expect(link).toMatch(/^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/);
});
