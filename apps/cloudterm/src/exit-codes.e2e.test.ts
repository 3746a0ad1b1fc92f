import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";

const cli = fileURLToPath(new URL("./cli.ts", import.meta.url));

/** Makes the package unresolvable, as in an installation without optional packages. */
const WITHOUT_KOFFI = `--import=data:text/javascript,${encodeURIComponent(`
  import { Module } from "node:module";
  const resolve = Module._resolveFilename;
  Module._resolveFilename = function (request, ...rest) {
    if (request === "koffi") throw Object.assign(new Error("Cannot find module 'koffi'\\nRequire stack:\\n- a.js"), { code: "MODULE_NOT_FOUND" });
    return resolve.call(this, request, ...rest);
  };`)}`;

test("--loop epoll without FFI: one line that says what is missing and how to get it, exit code 2", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tz-no-ffi-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "index.html"), "");
  const args = [WITHOUT_KOFFI, "--import", "tsx", "--conditions=@tz/source", cli];
  const child = spawn(
    process.execPath,
    [...args, "--port", "0", "--loop", "epoll", "--data", join(folder, "data")],
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NODE_OPTIONS: "", TZ_CLOUDTERM_WEB: folder },
    },
  );
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk) => (out += chunk));
  child.stderr.on("data", (chunk) => (err += chunk));
  expect(await new Promise((resolve) => child.once("close", resolve)), err).toBe(2);
  expect(out).toBe("");
  const missing =
    process.platform === "linux"
      ? "koffi does not load: Cannot find module 'koffi' (npm install koffi brings it)"
      : `the platform is ${process.platform}, not linux`;
  expect(err).toBe(`cloudterm: --loop epoll does not run here: ${missing}; --loop node runs everywhere\n`);
});
