import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { root } from "./root.mjs";

// What the `inputs` in turbo.json name: a build reads nothing else.
const buildInputs = ["src", "scripts", "package.json", "tsconfig.json", "tsup.config.ts"];
const sharedInputs = ["tsconfig.base.json", "turbo.json", "pnpm-lock.yaml"];
const readsNoBuild = /\.(test|bench|conformance|fixture)\.[a-z]+$/;

/**
 * One hash over the names and contents of what a package's build reads. Contents, not times: a build may write a
 * generated source anew, and a checkout touches files that it does not change. Some 20 ms for the workspace.
 */
export function sourceFingerprint(folder) {
  const hash = createHash("sha256");
  for (const name of sharedInputs) addPath(hash, join(root, name));
  for (const name of buildInputs) addPath(hash, join(folder, name));
  return hash.digest("hex");
}

function addPath(hash, path) {
  if (!existsSync(path)) return;
  if (statSync(path).isDirectory()) {
    for (const name of readdirSync(path).sort()) addPath(hash, join(path, name));
  } else if (!readsNoBuild.test(path)) {
    const content = readFileSync(path);
    hash.update(`${relative(root, path)}\0${content.length}\0`).update(content);
  }
}
