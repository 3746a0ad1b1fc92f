// API reference of every package, from its TSDoc.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Application } from "typedoc";
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
}
