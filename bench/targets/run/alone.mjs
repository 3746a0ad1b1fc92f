import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

/**
 * Lets `node bench/targets/NAME.mjs --port N --root DIR` start a peer in the foreground, set up exactly as the
 * bench does. Does nothing when the file was imported.
 * @param {ImportMeta} meta `import.meta` of the target's file
 * @param {import("../../harness/target.ts").Target} target
 */
export function runAlone(meta, target) {
  if (process.argv[1] !== meta.filename) return;
  const { values } = parseArgs({
    options: { port: { type: "string", default: "8005" }, root: { type: "string", default: "." } },
  });
  const probe = target.probe();
  if ("missing" in probe) {
    console.error(probe.missing);
    process.exit(2);
  }
  const work = mkdtempSync(join(tmpdir(), `tz-target-${target.name}-`));
  const [program, ...args] = target.command({ port: Number(values.port), root: resolve(values.root), work });
  const child = spawn(program, args, { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  child.once("exit", (code, signal) => {
    rmSync(work, { recursive: true, force: true });
    process.exit(signal ? 128 + constants.signals[signal] : code);
  });
}
