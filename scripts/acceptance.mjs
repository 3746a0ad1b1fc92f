// Runs the acceptance suites that lie beside the clone, when they do:
//   node scripts/acceptance.mjs static|http1 epoll|node
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./workspace/root.mjs";
import { startServer } from "./workspace/server.mjs";

const folder = join(root, "../shared/acceptance");
const cli = join(root, "apps/static-demo/dist/cli.js");
const suites = { static: staticSuite, http1: http1Suite };

const [suite, loop] = process.argv.slice(2);
if (!Object.hasOwn(suites, suite ?? "") || !["epoll", "node"].includes(loop)) {
  console.error("usage: acceptance.mjs static|http1 epoll|node");
  process.exit(2);
}
if (!existsSync(folder)) {
  console.error(`${folder} is not there`);
  process.exit(2);
}
// The runners wait a quarter of a second for an answer: a machine that stands still that long has refused nothing.
let code = 1;
for (let tries = 1; code !== 0 && tries <= 3; tries++) {
  if (tries > 1) console.log(`\n${suite}, loop ${loop}: try ${tries}`);
  code = await suites[suite]();
}
process.exitCode = code;

/** Runs node to its end; what it prints comes back, and passes through unless `quiet`. */
function node(args, { quiet = false } = {}) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (chunk) => {
      if (!quiet) process.stdout.write(chunk);
      output += chunk;
    });
    child.once("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

async function staticSuite() {
  const cases = join(folder, "static-cases.mjs");
  const command = [process.execPath, cli, "{root}", "--port", "{port}", "--loop", loop, "{flags}"];
  const chosen = await supportedCases(cases);
  return (await node([join(folder, "run-static.mjs"), chosen, "--", ...command])).code;
}

/**
 * A case whose flag is not an option of the command cannot run: such cases are left out, and each such flag is
 * said. Nothing is written down here, so that an option counts from the day it exists.
 */
async function supportedCases(file) {
  const { default: cases } = await import(pathToFileURL(file).href);
  const { output: help } = await node([cli, "--help"], { quiet: true });
  const lacking = new Map();
  for (const flag of cases.flatMap((each) => each.flags ?? [])) {
    if (!flag.startsWith("--") || new RegExp(`${flag}\\b`).test(help)) continue;
    lacking.set(flag, (lacking.get(flag) ?? 0) + 1);
  }
  for (const [flag, count] of lacking)
    console.log(`left out: ${count} cases with ${flag}: tz-static has no such option yet`);
  if (lacking.size === 0) return file;
  const chosen = join(root, ".tz/acceptance-cases.mjs");
  mkdirSync(join(root, ".tz"), { recursive: true });
  writeFileSync(
    chosen,
    `import cases from ${JSON.stringify(pathToFileURL(file).href)};
const lacking = ${JSON.stringify([...lacking.keys()])};
export default cases.filter((each) => !(each.flags ?? []).some((flag) => lacking.includes(flag)));
`,
  );
  return chosen;
}

async function http1Suite() {
  const target = join(root, "bench/targets/tz.mjs");
  const server = await startServer((port) => [target, "--port", String(port), "--loop", loop]);
  try {
    const runner = join(folder, "run-http1.mjs");
    const { code, output } = await node([
      runner,
      "127.0.0.1",
      String(server.port),
      join(folder, "h1-cases.json"),
    ]);
    // The runner tells its result in words only.
    return code === 0 && /^\d+ passed, 0 failed/m.test(output) ? 0 : 1;
  } finally {
    await server.stop();
  }
}
