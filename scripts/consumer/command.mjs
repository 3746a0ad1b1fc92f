import assert from "node:assert";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const command = "node_modules/tz-static/dist/cli.js";
const folder = mkdtempSync(join(tmpdir(), "consumer-"));
writeFileSync(join(folder, "index.html"), "<h1>hello</h1>");

function start(...options) {
  return spawn(process.execPath, [command, folder, "--port", "0", ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

// The version is that of the packed manifest, not one that was built in.
const { version } = JSON.parse(readFileSync("node_modules/tz-static/package.json", "utf8"));
assert.strictEqual(
  execFileSync(process.execPath, [command, "--version"], { encoding: "utf8" }).trim(),
  version,
);

const child = start();
const [line] = await once(child.stdout, "data");
const address = /^Listening on (\S+)\n/.exec(String(line))[1];
const answer = await fetch(address);
assert.strictEqual(await answer.text(), "<h1>hello</h1>");
child.kill("SIGTERM");
const [code] = await once(child, "exit");
assert.strictEqual(code, 0);

rmSync(folder, { recursive: true, force: true });
