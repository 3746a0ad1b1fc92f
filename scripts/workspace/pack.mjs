import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { builtPackages } from "./packages.mjs";
import { readJson, root } from "./root.mjs";

/** Packs every package that is published, as npm would get it. Returns `[{ name, tarball }]`. */
export function packAll(folder) {
  const { packageManager } = readJson(join(root, "package.json"));
  return [...builtPackages().values()]
    .filter(({ manifest }) => !manifest.private)
    .map(({ name, folder: from }, index) => {
      const to = join(folder, String(index));
      mkdirSync(to, { recursive: true });
      const { status, stdout, stderr } = spawnSync(
        "npx",
        ["--yes", packageManager, "pack", "--pack-destination", to],
        { cwd: from, encoding: "utf8" },
      );
      if (status !== 0) throw new Error(`${name} cannot be packed: ${stdout}${stderr}`);
      return { name, tarball: join(to, readdirSync(to)[0]) };
    });
}
