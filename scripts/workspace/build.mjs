import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sourceFingerprint } from "./fingerprint.mjs";
import { builtPackages, withDependencies } from "./packages.mjs";
import { pnpm } from "./pnpm.mjs";
import { readJson, root } from "./root.mjs";

const stampFile = join(root, ".tz/built.json");

/**
 * Builds what changed since the last build.
 * @param app build this package and what it needs; without it, everything
 */
export async function build(app) {
  const packages = app ? withDependencies(app) : builtPackages();
  // Taken before the build: an edit that is made while it runs counts as a change next time.
  const now = Object.fromEntries(
    [...packages.values()].map((each) => [each.name, sourceFingerprint(each.folder)]),
  );
  const last = readJson(stampFile) ?? {};
  const stale = [...packages.values()].filter(
    (each) => last[each.name] !== now[each.name] || !hasOutput(each),
  );
  if (stale.length === 0) return;
  console.error(`Building ${stale.map((each) => each.name).join(", ")} …`);
  const filter = app ? [`--filter=${app}...`] : [];
  await pnpm([
    "exec",
    "turbo",
    "run",
    "build",
    "--output-logs=errors-only",
    "--log-order=grouped",
    ...filter,
  ]);
  mkdirSync(join(root, ".tz"), { recursive: true });
  writeFileSync(stampFile, `${JSON.stringify({ ...last, ...now }, undefined, 2)}\n`);
}

function hasOutput({ folder }) {
  const dist = join(folder, "dist");
  return existsSync(dist) && readdirSync(dist).some((name) => name.endsWith(".js"));
}
