import { join } from "node:path";
import { readJson, root } from "./root.mjs";
import { run } from "./run.mjs";

/** Runs pnpm in the version that `packageManager` names; npx brings it, nothing is installed globally. */
export function pnpm(args, options) {
  const { packageManager } = readJson(join(root, "package.json"));
  return run("npx", ["--yes", packageManager, ...args], options);
}
