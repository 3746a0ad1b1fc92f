import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { builtPackages } from "./packages.mjs";
import { readJson, root } from "./root.mjs";

/**
 * Packs every package that is published, as npm would get it: `@tz/…` into `folder/scoped`, the others into
 * `folder/plain`, because `@tz/static` and `tz-static` are given the same file name.
 * Returns what `builtPackages` knows of each, and its `tarball`.
 */
export function packAll(folder) {
  const published = [...builtPackages().values()].filter(({ manifest }) => !manifest.private);
  const isScoped = ({ name }) => name.startsWith("@");
  return [
    ...packInto(join(folder, "scoped"), published.filter(isScoped)),
    ...packInto(
      join(folder, "plain"),
      published.filter((each) => !isScoped(each)),
    ),
  ];
}

/** One pnpm for all of them: to start it takes longer than to pack. */
function packInto(folder, packages) {
  const { packageManager } = readJson(join(root, "package.json"));
  mkdirSync(folder, { recursive: true });
  const filters = packages.map(({ name }) => `--filter=${name}`);
  const { status, stdout, stderr } = spawnSync(
    "npx",
    ["--yes", packageManager, "--recursive", ...filters, "pack", "--pack-destination", folder],
    { cwd: root, encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`cannot pack: ${stdout}${stderr}`);
  return packages.map((each) => {
    const { name, version } = readJson(join(each.folder, "package.json"));
    return { ...each, tarball: join(folder, `${name.replace(/^@/, "").replace("/", "-")}-${version}.tgz`) };
  });
}
