import { createHash } from "node:crypto";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { root } from "./root.mjs";

// What the `inputs` in turbo.json name: a build reads nothing else.
const buildInputs = ["src", "scripts", "web", "package.json", "tsconfig.json", "tsup.config.ts"];
const sharedInputs = ["tsconfig.base.json", "turbo.json", "pnpm-lock.yaml"];
const readsNoBuild = /\.(test|bench|conformance|fixture)\.[a-z]+$/;

/**
 * One hash over the names, sizes and times of what a package's build reads. Cheap (no file is opened), and
 * wrong only in the harmless direction: touching a file asks turbo, which compares contents.
 */
export function sourceFingerprint(folder) {
  const hash = createHash("sha256");
  for (const name of sharedInputs) addPath(hash, join(root, name));
  for (const name of buildInputs) addPath(hash, join(folder, name));
  return hash.digest("hex");
}

function addPath(hash, path) {
  if (!existsSync(path)) return;
  const stat = statSync(path);
  if (stat.isDirectory()) {
    for (const name of readdirSync(path).sort()) addPath(hash, join(path, name));
  } else if (!readsNoBuild.test(path)) {
    hash.update(`${relative(root, path)}\0${stat.size}\0${stat.mtimeMs}\n`);
  }
}
