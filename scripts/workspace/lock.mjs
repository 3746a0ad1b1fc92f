import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { root } from "./root.mjs";

const file = join(root, ".tz/preparing.pid");

// Longer than any install and build: an older lock was left by a process that died, and its number was reused.
const oldestLockMs = 15 * 60_000;

/**
 * Runs `work` while no other process of this clone installs or builds: `npm start` and `npm test` in two
 * terminals must not pull `dist` from under each other. A lock whose owner is gone is taken over.
 */
export async function alone(work) {
  mkdirSync(join(root, ".tz"), { recursive: true });
  for (let said = false; !take(); await sleep(200)) {
    if (!said)
      console.error("Another start or test of this clone is installing or building; waiting for it …");
    said = true;
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function take() {
  try {
    writeFileSync(file, String(process.pid), { flag: "wx" });
    return true;
  } catch {
    if (!ownerLives()) rmSync(file, { force: true });
    return false;
  }
}

function ownerLives() {
  try {
    const owner = Number(readFileSync(file, "utf8"));
    if (owner === process.pid || Date.now() - statSync(file).mtimeMs > oldestLockMs) return false;
    process.kill(owner, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
