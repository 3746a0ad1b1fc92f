// Which Markdown files of the repository become which pages of the site.
import { existsSync, readdirSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { root } from "../../scripts/workspace/root.mjs";

/** Pages by their file in the repository: `docs/guide/static.md` is `guide/static.md`. Both relative, with `/`. */
export function pages() {
  const found = new Map();
  for (const path of markdownBelow(join(root, "docs"))) {
    const file = relative(root, path).split(sep).join("/");
    if (file !== "docs/README.md") found.set(file, file.slice("docs/".length));
  }
  for (const group of ["packages", "apps"]) {
    for (const name of readdirSync(join(root, group))) {
      const file = `${group}/${name}/README.md`;
      if (existsSync(join(root, file))) found.set(file, `${group}/${name}.md`);
    }
  }
  found.set("bench/README.md", "contribute/bench.md");
  found.set("website/README.md", "contribute/website.md");
  found.set("CONTRIBUTING.md", "contribute/index.md");
  if (existsSync(join(root, "SECURITY.md"))) found.set("SECURITY.md", "contribute/security.md");
  return found;
}

function markdownBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return markdownBelow(path);
    return entry.name.endsWith(".md") ? [path] : [];
  });
}
