import { randomBytes } from "node:crypto";
import { link, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** Locks of this process wait here and not at the file. */
const inProcess = new Map<string, Promise<unknown>>();

const RETRY_MS = 20;
/** A holder does a few milliseconds of work; a lock this old was left by a process that died. */
const STALE_MS = 8_000;
const WAIT_MS_MAX = 20_000;

/**
 * Runs a task while no other process that asks for the same lock file runs its own.
 * @throws Error of the system; Error when the lock is not free within 20 s
 */
export async function withFileLock<Result>(
  path: string,
  task: () => Promise<Result>,
  staleMs = STALE_MS,
): Promise<Result> {
  const before = inProcess.get(path);
  const mine = (async () => {
    await before?.catch(() => {});
    const token = await acquire(path, staleMs);
    try {
      return await task();
    } finally {
      await release(path, token);
    }
  })();
  inProcess.set(path, mine);
  try {
    return await mine;
  } finally {
    if (inProcess.get(path) === mine) inProcess.delete(path);
  }
}

/** `link` fails when the name is there, and the content is there as soon as the name is. */
async function acquire(path: string, staleMs: number): Promise<string> {
  const token = `${process.pid} ${randomBytes(8).toString("hex")}`;
  const beside = `${path}.${randomBytes(6).toString("hex")}`;
  await writeFile(beside, token, { mode: 0o600, flag: "wx" });
  try {
    const endMs = Date.now() + WAIT_MS_MAX;
    for (;;) {
      try {
        await link(beside, path);
        return token;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      await removeStale(path, staleMs);
      if (Date.now() > endMs) throw new Error(`${path} is held by another process; is one stuck?`);
      await sleep(RETRY_MS);
    }
  } finally {
    await rm(beside, { force: true });
  }
}

async function removeStale(path: string, staleMs: number): Promise<void> {
  try {
    // The link sets the change time.
    if (Date.now() - (await stat(path)).ctimeMs < staleMs) return;
    // Of several that find it stale one gets it, and one that comes late gets a new lock: it puts that back.
    const aside = `${path}.${randomBytes(6).toString("hex")}`;
    await rename(path, aside);
    if (Date.now() - (await stat(aside)).birthtimeMs < staleMs) await link(aside, path).catch(() => {});
    await rm(aside);
  } catch (error) {
    // Released meanwhile.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

async function release(path: string, token: string): Promise<void> {
  const held = await readFile(path, "utf8").catch(() => "");
  if (held === token) await rm(path, { force: true });
}
