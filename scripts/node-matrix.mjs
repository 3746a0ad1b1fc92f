// The packages on other versions of Node: `node scripts/node-matrix.mjs [20 22 24 26] [--tests none|packages|all]`.
// npm brings each version as a package. On each: what `check-installed` does, with and without FFI, and the tests
// of the packages; `--tests all` runs those of the apps, the benches and the site too.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "./workspace/root.mjs";
import { userEnvironment } from "./workspace/user-environment.mjs";

const { values, positionals } = parseArgs({
  options: { tests: { type: "string", default: "packages" } },
  allowPositionals: true,
});
const projects = { none: undefined, packages: ["--project", "@tz/*"], all: [] };
if (!(values.tests in projects)) {
  console.error(`--tests is ${values.tests}; allowed: ${Object.keys(projects).join(", ")}`);
  process.exit(2);
}
const versions = positionals.length > 0 ? positionals : ["20", "22", "24", "26"];
const platform = `${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
const results = [];

// What is packed and tested below is what was built.
if (!run(process.execPath, [join(root, "scripts/build.mjs")])) process.exit(1);
for (const version of versions) {
  const folder = mkdtempSync(join(tmpdir(), "tz-node-"));
  try {
    results.push(check(version, folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

for (const { name, installed, tests } of results) {
  console.log(`${name}: installed ${word(installed)}${tests === undefined ? "" : `, tests ${word(tests)}`}`);
}
process.exit(results.every(({ installed, tests }) => installed && tests !== false) ? 0 : 1);

function check(version, folder) {
  const name = `node-${platform}`;
  const install = ["install", "--prefix", folder, "--no-audit", "--no-fund", "--loglevel=error"];
  if (!run("npm", [...install, `${name}@${version}`])) return { name: `Node ${version}`, installed: false };
  const node = join(folder, "node_modules", name, "bin/node");
  const exact = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim();
  console.log(`\n=== ${exact}`);
  const installed = run(process.execPath, [join(root, "scripts/check-installed.mjs"), "--node", node]);
  const path = [dirname(node), process.env.PATH].join(delimiter);
  const chosen = projects[values.tests];
  const tests =
    chosen &&
    run(node, [join(root, "node_modules/vitest/vitest.mjs"), "run", "--reporter=dot", ...chosen], {
      TZ_TEST_BUILT: "1",
      PATH: path,
    });
  return { name: exact, installed, tests };
}

function run(command, args, env = {}) {
  const options = { cwd: root, stdio: "inherit", env: { ...userEnvironment(), ...env } };
  return spawnSync(command, args, options).status === 0;
}

function word(ok) {
  return ok ? "passed" : "FAILED";
}
