import assert from "node:assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "consumer-"));
writeFileSync(join(folder, "index.html"), "<h1>hello</h1>");
const child = spawn(process.execPath, ["node_modules/tz-static/dist/cli.js", folder, "--port", "0"], {
  stdio: ["ignore", "pipe", "pipe"],
});
let notes = "";
child.stderr.on("data", (data) => (notes += data));
const [line] = await once(child.stdout, "data");
const address = /^Listening on (\S+)\n/.exec(String(line))[1];
const answer = await fetch(address);
assert.strictEqual(await answer.text(), "<h1>hello</h1>");
child.kill("SIGTERM");
const [code] = await once(child, "exit");
assert.strictEqual(code, 0);
if (process.platform === "linux") assert.match(notes, new RegExp(`\\b${process.argv[2]}\\b`));
rmSync(folder, { recursive: true, force: true });
