// Checks every package as npm would get it: packs it, looks into the tarball, runs publint and
// are-the-types-wrong on it. One line a check; exit code 1 when one failed.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { builtPackages } from "./workspace/packages.mjs";
import { readJson, root } from "./workspace/root.mjs";
import { tarballFiles } from "./workspace/tarball.mjs";

const work = mkdtempSync(join(tmpdir(), "tz-packages-"));
const tool = (name) => join(root, "node_modules/.bin", name);
const { packageManager } = readJson(join(root, "package.json"));
const checks = [packs, hasWhatItNeeds, hasNothingElse, namesWhatIsThere, publintIsClean, typesResolve];

let failed = 0;
for (const item of [...builtPackages().values()].filter(({ manifest }) => !manifest.private)) {
  const context = { ...item, tarball: "", files: [] };
  for (const check of checks) {
    const why = check(context);
    console.log(`${why ? "FAIL" : "ok"} ${item.name}: ${check.name}${why ? `\n${indent(why)}` : ""}`);
    if (why) failed++;
    if (why && check === packs) break;
  }
}
rmSync(work, { recursive: true, force: true });
process.exit(failed > 0 ? 1 : 0);

/** Runs a tool; returns what it printed when it failed. */
function failureOf(command, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8" });
  return status === 0
    ? undefined
    : `${error?.message ?? ""}${stdout ?? ""}${stderr ?? ""}`.trim() || `exit ${status}`;
}

function packs(context) {
  const folder = mkdtempSync(join(work, "pack-"));
  const why = failureOf(
    "npx",
    ["--yes", packageManager, "pack", "--pack-destination", folder],
    context.folder,
  );
  if (why) return why;
  context.tarball = join(folder, readdirSync(folder)[0] ?? "");
  context.files = tarballFiles(readFileSync(context.tarball));
  context.packed = JSON.parse(context.files.find(({ name }) => name === "package.json").content);
  return undefined;
}

function hasWhatItNeeds({ files }) {
  const names = files.map(({ name }) => name);
  const absent = ["package.json", "README.md", "LICENSE"].filter((name) => !names.includes(name));
  if (!names.some((name) => /^dist\/.*\.js$/.test(name))) absent.push("dist/*.js");
  return absent.length > 0 ? `lacks ${absent.join(", ")}` : undefined;
}

function hasNothingElse({ files }) {
  const unwanted = files
    .map(({ name }) => name)
    .filter((name) =>
      /\.(test|conformance|fixture|bench)\.|(^|\/)(node_modules|corpus|coverage)\/|\.tgz$|(^|\/)\./.test(
        name,
      ),
    );
  return unwanted.length > 0 ? `carries ${unwanted.join(", ")}` : undefined;
}

/** Every file that the packed manifest names is in the tarball, and no dependency is left on the workspace. */
function namesWhatIsThere({ files, packed }) {
  const names = new Set(files.map(({ name }) => name));
  const named = [...pathsIn(packed.exports), ...pathsIn(packed.bin), ...pathsIn(packed.types)];
  // The source condition is for this workspace; the sources are shipped for debuggers, so it resolves too.
  const absent = named.map((path) => path.replace(/^\.\//, "")).filter((path) => !names.has(path));
  if (absent.length > 0) return `names but lacks ${absent.join(", ")}`;
  const local = Object.entries({
    ...packed.dependencies,
    ...packed.optionalDependencies,
    ...packed.peerDependencies,
  })
    .filter(([, version]) => /^(workspace|catalog|file|link):/.test(version))
    .map(([name, version]) => `${name}@${version}`);
  return local.length > 0 ? `depends on ${local.join(", ")}` : undefined;
}

function pathsIn(value) {
  if (typeof value === "string") return [value];
  return value && typeof value === "object" ? Object.values(value).flatMap(pathsIn) : [];
}

function publintIsClean({ tarball }) {
  return failureOf(tool("publint"), ["run", "--strict", tarball], root);
}

function typesResolve({ tarball, packed }) {
  if (!packed.exports?.["."]) return undefined; // A command without an API has no types.
  return failureOf(tool("attw"), [relative(root, tarball), "--profile", "esm-only"], root);
}

function indent(text) {
  return text.replace(/^/gm, "    ");
}
