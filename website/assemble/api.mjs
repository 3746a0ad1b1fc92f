// API reference of every package, from its TSDoc.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Application } from "typedoc";
import { anchorsOf } from "../../scripts/workspace/anchors.mjs";
import { root } from "../../scripts/workspace/root.mjs";

/** Packages that have an entry point, in the order of their names. */
export function documentedPackages() {
  return readdirSync(join(root, "packages")).filter((name) =>
    existsSync(join(root, "packages", name, "src/index.ts")),
  );
}

/** Writes Markdown pages below `folder`, one folder a package. */
export async function writeApi(folder) {
  const app = await Application.bootstrapWithPlugins({
    plugin: ["typedoc-plugin-markdown"],
    entryPoints: documentedPackages().map((name) => join(root, "packages", name, "src/index.ts")),
    tsconfig: join(root, "tsconfig.json"),
    skipErrorChecking: true,
    name: "API reference",
    readme: "none",
    out: folder,
    outputFileStrategy: "modules",
    entryFileName: "index",
    excludeInternal: true,
    excludePrivate: true,
    disableSources: false,
    gitRevision: "main",
    sourceLinkTemplate: "https://github.com/tz-http/tz/blob/main/{path}#L{line}",
    hideBreadcrumbs: true,
    hidePageHeader: true,
    parametersFormat: "table",
    useCodeBlocks: true,
    logLevel: "Error",
    githubPages: false,
  });
  const project = await app.convert();
  if (!project) throw new Error("typedoc could not read the sources");
  // `server/src` is the folder; what a reader imports is the package.
  for (const module of project.children ?? []) module.name = module.name.replace(/^([\w-]+)\/src$/, "@tz/$1");
  await app.generateOutputs(project);
  for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (file.endsWith(".md")) numberAnchors(join(folder, file));
  }
}

/**
 * typedoc gives a number to a name that differs from another in its case only (a property `arenaMark`, which has no
 * heading, and the type `ArenaMark`): the number is taken from links whose heading has none.
 */
function numberAnchors(file) {
  const text = readFileSync(file, "utf8");
  const anchors = anchorsOf(text);
  const mended = text.replace(/\]\(#([^)\s]+?)-\d+\)/g, (whole, name) =>
    !anchors.has(/#([^)]+)/.exec(whole)[1]) && anchors.has(name) ? `](#${name})` : whole,
  );
  if (mended !== text) writeFileSync(file, mended);
}
