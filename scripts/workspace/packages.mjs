import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { readJson, root } from "./root.mjs";

/** Every package and app of the workspace that has a build, by name: `{ name, folder, manifest }`. */
export function builtPackages() {
  const found = new Map();
  for (const group of ["packages", "apps"]) {
    for (const entry of readdirSync(join(root, group))) {
      const folder = join(root, group, entry);
      const manifest = existsSync(join(folder, "package.json"))
        ? readJson(join(folder, "package.json"))
        : undefined;
      if (manifest?.scripts?.build) found.set(manifest.name, { name: manifest.name, folder, manifest });
    }
  }
  return found;
}

/** `name` and all workspace packages that it needs, directly or not. */
export function withDependencies(name, packages = builtPackages()) {
  const wanted = new Map();
  const visit = (each) => {
    const found = packages.get(each);
    if (!found || wanted.has(each)) return;
    wanted.set(each, found);
    const { dependencies, devDependencies, optionalDependencies } = found.manifest;
    for (const dependency of Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies })) {
      visit(dependency);
    }
  };
  visit(name);
  return wanted;
}
