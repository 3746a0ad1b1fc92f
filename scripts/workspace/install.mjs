import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pnpm } from "./pnpm.mjs";
import { root } from "./root.mjs";

// Inside node_modules: whoever removes that folder removes the stamp too.
const stamp = join(root, "node_modules/.tz-installed");

/** Installs the locked dependencies, unless that was done for this very lockfile. */
export async function install() {
  const wanted = lockHash();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  console.error("Installing dependencies …");
  await pnpm([
    "install",
    "--frozen-lockfile",
    "--config.confirm-modules-purge=false",
    "--reporter=append-only",
  ]);
  writeFileSync(stamp, wanted);
}

function lockHash() {
  const hash = createHash("sha256");
  for (const name of ["pnpm-lock.yaml", "pnpm-workspace.yaml"]) hash.update(readFileSync(join(root, name)));
  return hash.digest("hex");
}
