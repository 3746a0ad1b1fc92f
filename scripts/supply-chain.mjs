// `node scripts/supply-chain.mjs [--sbom FILE]`: what installs with the packages, checked against docs/reference/supply-chain.md.
// Ends with 1 for a licence that is not allowed, a package without a checksum, one from somewhere else than a registry, or an
// install script that nobody has explained. `--sbom` writes a CycloneDX 1.6 list of what runs.
import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { readJson, root } from "./workspace/root.mjs";

/** Each lets anybody use, change and ship it, and asks for no source of ours. */
const LICENCES = new Set([
  "MIT",
  "ISC",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "Unlicense",
  "0BSD",
  "MIT-0",
  "CC0-1.0",
]);
/** Packages that bring an install script. None runs: `onlyBuiltDependencies` is empty, and everything works without. */
const EXPLAINED = new Set(["cpu-features", "esbuild", "koffi", "ssh2"]);

const { values } = parseArgs({ options: { sbom: { type: "string" } } });
const problems = [];

const lock = await readFile(join(root, "pnpm-lock.yaml"), "utf8");
const resolutions = lock.match(/^ {4}resolution: .*$/gm) ?? [];
const withoutChecksum = resolutions.filter((line) => !/\{integrity: sha512-[\w+/=]+\}/.test(line));
for (const line of withoutChecksum) problems.push(`no SHA-512 from a registry: ${line.trim()}`);

const workspace = await readFile(join(root, "pnpm-workspace.yaml"), "utf8");
if (!/^onlyBuiltDependencies: \[\]$/m.test(workspace))
  problems.push("onlyBuiltDependencies is not empty: install scripts run");

const store = join(root, "node_modules/.pnpm");
const scripted = new Set();
for (const folder of existsSync(store) ? readdirSync(store) : []) {
  const modules = join(store, folder, "node_modules");
  if (!existsSync(modules)) continue;
  // The package itself stands first in its folder's name: `name@1.2.3`, `@scope+name@1.2.3`.
  const name = folder.slice(0, folder.indexOf("@", 1)).replace("+", "/");
  const manifest = await readFile(join(modules, name, "package.json"), "utf8").catch(() => undefined);
  if (manifest === undefined) continue;
  const { scripts = {} } = JSON.parse(manifest);
  if (["preinstall", "install", "postinstall"].some((script) => scripts[script] !== undefined))
    scripted.add(name);
}
for (const name of scripted)
  if (!EXPLAINED.has(name)) problems.push(`${name} has an install script that nobody has explained`);

const { packageManager } = readJson(join(root, "package.json"));
const { stdout } = await promisify(execFile)(
  "npx",
  ["--yes", packageManager, "licenses", "list", "--prod", "--json"],
  {
    cwd: root,
    maxBuffer: 64 * 1024 * 1024,
  },
);
const components = [];
for (const [licence, packages] of Object.entries(JSON.parse(stdout))) {
  for (const { name, versions } of packages) {
    if (!LICENCES.has(licence)) problems.push(`${name} is under ${licence}`);
    for (const version of versions) {
      components.push({
        type: "library",
        name,
        version,
        licenses: [{ license: { id: licence } }],
        purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
      });
    }
  }
}
components.sort((a, b) => (a.purl < b.purl ? -1 : 1));
if (values.sbom !== undefined) {
  const list = { bomFormat: "CycloneDX", specVersion: "1.6", version: 1, components };
  await writeFile(values.sbom, `${JSON.stringify(list, undefined, 2)}\n`);
}

for (const problem of problems) console.error(problem);
console.log(
  `${components.length} packages run, ${resolutions.length} are in the lockfile, ${scripted.size} have install scripts that do not run: ${problems.length} problems`,
);
process.exitCode = problems.length === 0 ? 0 : 1;
