// The packed packages on other versions of Node: `node scripts/node-matrix.mjs [22 24 26] [--tests]`.
// npm brings each version as a package. `--tests` also runs the whole test suite under each.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "./workspace/root.mjs";

const { values, positionals } = parseArgs({
  options: { tests: { type: "boolean", default: false } },
  allowPositionals: true,
});
const versions = positionals.length > 0 ? positionals : ["20", "22", "24", "26"];
const platform = `${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
const results = [];

for (const version of versions) {
  const folder = mkdtempSync(join(tmpdir(), "tz-node-"));
  try {
    const name = `node-${platform}`;
    run("npm", [
      "install",
      "--prefix",
      folder,
      "--no-audit",
      "--no-fund",
      "--loglevel=error",
      `${name}@${version}`,
    ]);
    const node = join(folder, "node_modules", name, "bin/node");
    const exact = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim();
    const installed = run(process.execPath, [join(root, "scripts/check-installed.mjs"), "--node", node]);
    const path = [dirname(node), process.env.PATH].join(delimiter);
    const tests = values.tests
      ? run(node, [join(root, "node_modules/vitest/vitest.mjs"), "run"], { TZ_TEST_BUILT: "1", PATH: path })
      : undefined;
    results.push([exact, installed, tests]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

for (const [version, installed, tests] of results) {
  console.log(
    `${version}: installed ${word(installed)}${tests === undefined ? "" : `, tests ${word(tests)}`}`,
  );
}
process.exit(results.every(([, installed, tests]) => installed && tests !== false) ? 0 : 1);

function run(command, args, env = {}) {
  return (
    spawnSync(command, args, { cwd: root, stdio: "inherit", env: { ...process.env, ...env } }).status === 0
  );
}

function word(ok) {
  return ok ? "passed" : "FAILED";
}
