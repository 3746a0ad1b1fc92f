import assert from "node:assert";
import { spawn } from "node:child_process";
import { once } from "node:events";

const child = spawn(process.execPath, ["starter/dist/main.js"], {
  stdio: ["ignore", "pipe", "inherit"],
  env: { ...process.env, PORT: "0" },
});
const [line] = await once(child.stdout, "data");
const address = /^Listening on (\S+)\/\n/.exec(String(line))[1];
const page = await fetch(`${address}/`);
assert.match(await page.text(), /<h1>Notes<\/h1>/);
const notes = await fetch(`${address}/api/notes`);
assert.deepStrictEqual(await notes.json(), []);
child.kill("SIGTERM");
const [code] = await once(child, "exit");
assert.strictEqual(code, 0);
