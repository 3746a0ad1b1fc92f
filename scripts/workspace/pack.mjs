import { spawnSync } from "node:child_process";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { builtPackages } from "./packages.mjs";
import { readJson, root } from "./root.mjs";

/** Beside the tarballs: the file of each by the package's name, relative to the folder. `create-tz` reads it. */
export const listName = "packages.json";

/**
 * Packs every package that is published, as npm would get it, into `folder`: those of a scope into a folder of
 * the scope (`@tz/static-1.0.0.tgz`), because `@tz/static` and `tz-static` are given the same file name.
 * Returns what `builtPackages` knows of each, and its `tarball`.
 */
export function packAll(folder) {
  const published = [...builtPackages().values()].filter(({ manifest }) => !manifest.private);
  const isScoped = ({ name }) => name.startsWith("@");
  const packed = [
    ...packInto(join(folder, "@tz"), published.filter(isScoped)),
    ...packInto(
      folder,
      published.filter((each) => !isScoped(each)),
    ),
  ];
  const list = packed.map(({ name, tarball }) => [name, tarball.slice(folder.length + 1)]);
  writeFileSync(join(folder, listName), `${JSON.stringify(Object.fromEntries(list), null, 2)}\n`);
  return packed;
}

/** Of `packed`, those in `names` and what they need of each other. */
export function packedWithNeeds(packed, names) {
  const byName = new Map(packed.map((each) => [each.name, each]));
  const wanted = new Set();
  const take = (name) => {
    const found = byName.get(name);
    if (!found || wanted.has(found)) return;
    wanted.add(found);
    const { dependencies, optionalDependencies } = found.manifest;
    for (const each of Object.keys({ ...dependencies, ...optionalDependencies })) take(each);
  };
  for (const name of names) take(name);
  return packed.filter((each) => wanted.has(each));
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
    const made = join(folder, `${name.replace(/^@/, "").replace("/", "-")}-${version}.tgz`);
    const tarball = join(folder, `${name.replace(/^@.*\//, "")}-${version}.tgz`);
    if (made !== tarball) renameSync(made, tarball);
    return { ...each, tarball };
  });
}
