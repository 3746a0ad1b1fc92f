// The pages of the built site link to each other's headings: every one of them has to be there.
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";

/** Links with a `#` that lead nowhere, as "page: link". `base` is where the site will be below its host. */
export function brokenAnchors(folder, base = "/") {
  const pages = new Map(
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".html"))
      .map((file) => [pathOf(file), readFileSync(join(folder, file), "utf8")]),
  );
  const ids = new Map(
    [...pages].map(([path, html]) => [
      path,
      new Set([...html.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id)),
    ]),
  );
  const broken = new Set();
  for (const [path, html] of pages) {
    for (const [, raw] of html.matchAll(/<a\b[^>]*\shref="([^"]*#[^"]+)"/g)) {
      if (/^([a-z]+:|\/\/)/i.test(raw)) continue;
      const link = raw.replaceAll("&amp;", "&").replaceAll("&quot;", '"');
      const [to, fragment] = link.split("#");
      const from = to.startsWith(base) ? `/${to.slice(base.length)}` : to;
      const target = to === "" ? path : posix.resolve(posix.dirname(`${path}.`), from);
      const there = ids.get(target) ?? ids.get(target.replace(/\/?$/, "/"));
      if (!there?.has(decodeURIComponent(fragment))) broken.add(`${path}: ${link}`);
    }
  }
  return [...broken].sort();
}

function pathOf(file) {
  return `/${file.replace(/(^|\/)index\.html$/, "$1").replace(/\.html$/, "")}`;
}
