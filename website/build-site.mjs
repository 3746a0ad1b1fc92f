import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { build } from "vitepress";
import { root } from "../scripts/workspace/root.mjs";
import { writeApi } from "./assemble/api.mjs";
import { imagesOf, rewriteLinks } from "./assemble/links.mjs";
import { pages } from "./assemble/pages.mjs";
import { brokenAnchors } from "./assemble/site-anchors.mjs";
import { collected } from "./assemble/tables.mjs";
import { unplaced } from "./navigation.mjs";

/** Assembles the pages below `source` and builds the site to `out`. Throws on a dead link, on an anchor that is not
 * there, and on a page nobody names. */
export async function buildSite({ source, out, api = true }) {
  rmSync(source, { recursive: true, force: true });
  const all = pages();
  for (const [file, page] of all) writePage(source, page, rewritten(file, read(file), all), file);
  const readmes = [...all.keys()]
    .filter((file) => /^(packages|apps)\//.test(file))
    .map((file) => [/^# `?([^`\n]+)`?/m.exec(read(file))[1], file, read(file)]);
  writeCollected(
    "reference/options",
    "Every option",
    "Name, default and bounds of every option, on one page. They come from the README of each package.",
    /options\b/i,
    [
      ...readmes,
      ["tz-static, command line", "docs/reference/cli.md", asOptions(read("docs/reference/cli.md"))],
      ["cloudterm, command line", "docs/reference/cloudterm.md", read("docs/reference/cloudterm.md")],
    ],
  );
  writeCollected(
    "reference/errors",
    "Every error",
    "Match on `code`. They come from the README of each package.",
    /^errors\b/i,
    readmes,
  );
  if (api) await writeApi(join(source, "api"));
  else writePage(source, "api/index.md", "# API reference\n\nLeft out of this build.\n");
  refuseUnplaced(all);
  // The configuration reads it: VitePress takes no source folder as an argument.
  process.env.TZ_SITE_SOURCE = source;
  await build(join(root, "website"), { outDir: out });
  const broken = brokenAnchors(out, process.env.TZ_DOCS_BASE || "/");
  if (broken.length > 0) throw new Error(`links to headings that are not there:\n${broken.join("\n")}`);

  function writeCollected(page, title, intro, heading, from) {
    const { head, parts } = collected(title, intro, heading, from);
    const body = parts.map(({ file, text }) =>
      rewriteLinks(text, file, new Map([...all, [file, `${page}.md`]])),
    );
    writePage(source, `${page}.md`, [head, ...body].join("\n"));
  }

  function rewritten(file, original, map) {
    // A README that npm shows takes its pictures from the repository; the site has them, and asks nobody else.
    const markdown = original.replaceAll(
      "https://raw.githubusercontent.com/tz-http/tz/main/",
      `${posix.relative(posix.dirname(file), ".") || "."}/`,
    );
    for (const image of imagesOf(markdown, file)) {
      if (!existsSync(join(root, image))) throw new Error(`${file}: image ${image} does not exist`);
      copyTo(join(source, "public", image), join(root, image));
    }
    return rewriteLinks(markdown.replace(/<!--[\s\S]*?-->\n?/g, ""), file, map);
  }
}

/** The table of arguments is under the title of its page; here it needs a heading of its own. */
function asOptions(markdown) {
  return markdown.replace(/\n\| Argument /, "\n## Options\n\n| Argument ");
}

function refuseUnplaced(all) {
  const without = unplaced([...all.values()].map((page) => page.replace(/\.md$/, "")));
  if (without.length > 0) throw new Error(`no group of website/navigation.mjs takes ${without.join(", ")}`);
}

function read(file) {
  return readFileSync(join(root, file), "utf8");
}

function writePage(source, page, text, file) {
  const path = join(source, page);
  mkdirSync(dirname(path), { recursive: true });
  // VitePress takes the link "edit this page" from here.
  const origin = file && !text.startsWith("---") ? `---\nsource: ${file}\n---\n\n` : "";
  writeFileSync(path, origin + text);
}

function copyTo(target, from) {
  mkdirSync(dirname(target), { recursive: true });
  cpSync(from, target);
}
