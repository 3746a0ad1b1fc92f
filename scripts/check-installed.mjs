// Installs the packed packages into an empty project, as a user would, and uses them there: plain JavaScript,
// CommonJS, TypeScript (Node16 and Bundler), Express, Fastify, Hono, the command, the starter, and everything
// without FFI.
// `node scripts/check-installed.mjs [--node PATH]`: with another Node than this one.
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "./workspace/root.mjs";
import { userEnvironment } from "./workspace/user-environment.mjs";

const { values } = parseArgs({ options: { node: { type: "string", default: process.execPath } } });
const node = values.node;
const work = mkdtempSync(join(tmpdir(), "tz-installed-"));
const project = join(work, "project");
const examples = join(root, "scripts/consumer");
let failed = 0;

try {
  const tarballs = packedAsTold(join(work, "tarballs"));
  cpSync(examples, project, { recursive: true });
  const catalog = readFileSync(join(root, "pnpm-workspace.yaml"), "utf8");
  const version = (name) => new RegExp(`^ {2}"?${name.replace("/", "\\/")}"?: (\\S+)$`, "m").exec(catalog)[1];
  const others = ["express", "fastify", "hono", "typescript", "@types/node"].map(
    (name) => `${name}@${version(name)}`,
  );
  const manifest = { name: "consumer", private: true, type: "module" };
  writeFileSync(join(project, "package.json"), JSON.stringify(manifest, null, 2));
  const install = [
    "install",
    "--no-audit",
    "--no-fund",
    "--ignore-scripts",
    "--prefer-offline",
    "--loglevel=error",
  ];
  check("npm install of the tarballs, no script run", "npm", [...install, ...tarballs, ...others]);
  check("plain JavaScript: every package imports", node, ["imports.mjs"]);
  check("CommonJS: every package is required", node, ["requires.cjs"]);
  check("TypeScript, Node16 resolution", node, [tsc(), "-p", "tsconfig.node16.json"]);
  check("TypeScript, Bundler resolution", node, [tsc(), "-p", "tsconfig.bundler.json"]);
  for (const host of ["tz", "express", "fastify", "hono"]) {
    check(`files in ${host}`, node, ["serve-files.mjs", host]);
  }
  check("the command tz-static", node, ["command.mjs"]);
  check("npm create tz: a starter", node, ["node_modules/create-tz/dist/cli.js", "starter"]);
  check("the starter: types and build", node, [tsc(), "-p", "starter"]);
  check("the starter: its tests", node, ["--test", "starter/dist/app.test.js"]);
  check("the starter: it serves", node, ["starter.mjs"]);
  check("npm create tz in a place of its own, from tarballs", node, [
    join(project, "node_modules/create-tz/dist/cli.js"),
    join(work, "alone"),
    "--packages",
    join(work, "tarballs"),
  ]);
  const alone = { cwd: join(work, "alone") };
  check("the starter alone: npm install", "npm", install, alone);
  check("the starter alone: npm test", "npm", ["test"], alone);
  check("npm install without FFI", "npm", [...install, "--omit=optional"]);
  check("without FFI: every package but cloudterm imports", node, ["imports.mjs", "@tz/cloudterm"]);
  check("without FFI: CommonJS, every package but cloudterm", node, ["requires.cjs", "@tz/cloudterm"]);
  for (const host of ["tz", "express", "fastify", "hono"]) {
    check(`without FFI: files in ${host}`, node, ["serve-files.mjs", host]);
  }
  check("without FFI: the starter's tests", node, ["--test", "starter/dist/app.test.js"]);
  check("without FFI: the command tz-static", node, ["command.mjs"]);
} finally {
  rmSync(work, { recursive: true, force: true });
}
process.exit(failed > 0 ? 1 : 0);

/** What `npm run pack` tells a user to install: all tarballs in one command, as they need each other. */
function packedAsTold(folder) {
  const pack = join(root, "scripts/pack.mjs");
  const options = { encoding: "utf8", env: userEnvironment(), stdio: ["ignore", "pipe", "inherit"] };
  const { stdout, status } = spawnSync(process.execPath, [pack, "--into", folder], options);
  const told = /^ {2}npm install (.+)$/m.exec(stdout)?.[1];
  if (status !== 0 || told === undefined) throw new Error(`npm run pack ended with ${status}: ${stdout}`);
  return told.split(" ");
}

function tsc() {
  return join(project, "node_modules/typescript/bin/tsc");
}

function check(name, command, args, { cwd = project } = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    timeout: 300_000,
    env: { ...userEnvironment(), NODE_OPTIONS: "", PATH: [dirname(node), process.env.PATH].join(delimiter) },
  });
  const ok = status === 0;
  console.log(`${ok ? "ok" : "FAIL"} ${name}`);
  if (ok) return;
  failed++;
  console.log(`${error?.message ?? ""}${stdout ?? ""}${stderr ?? ""}`.trim().replace(/^/gm, "    "));
}
