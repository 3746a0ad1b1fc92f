// Every relative link in the Markdown of this repository leads to a file that exists, and to a heading of it.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { anchorsOf } from "./workspace/anchors.mjs";
import { root } from "./workspace/root.mjs";

const skipped = new Set(["node_modules", "dist", ".git", ".tz", ".turbo", "coverage"]);

function markdownBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (skipped.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return markdownBelow(path);
    return entry.name.endsWith(".md") ? [path] : [];
  });
}

function brokenLinks(file) {
  const text = readFileSync(file, "utf8").replace(/^```[\s\S]*?^```/gm, "");
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target)
    .filter((target) => !/^[a-z]+:/i.test(target))
    .filter((target) => !leadsSomewhere(file, target));
}

function leadsSomewhere(file, target) {
  const [path, fragment] = decodeURIComponent(target).split("#");
  const to = path === "" ? file : join(dirname(file), path);
  // Pages that link by paths of the site are those of its start page.
  if (path.startsWith("/")) return true;
  if (!existsSync(to)) return false;
  // Lines of source files (`#L12`) are GitHub's.
  if (fragment === undefined || !to.endsWith(".md")) return true;
  return anchorsOf(readFileSync(to, "utf8")).has(fragment);
}

let broken = 0;
for (const file of markdownBelow(root)) {
  for (const target of brokenLinks(file)) {
    console.error(`${relative(root, file)}: ${target} does not exist`);
    broken++;
  }
}
process.exit(broken > 0 ? 1 : 0);
