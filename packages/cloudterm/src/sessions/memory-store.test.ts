import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { MemorySessionStore } from "./memory-store.js";
import { record } from "./session-store.conformance.js";
import { Sessions } from "./sessions.js";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "tz-sessions-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

test("expired sessions leave memory, and their sockets are told", async () => {
  const store = new MemorySessionStore();
  onTestFinished(() => store.close());
  const told: string[] = [];
  store.onRemoved((ids) => told.push(...ids));
  const nowMs = Date.now();
  for (let i = 0; i < 100; i++) {
    await store.add(`key-${i}`, record("ada", `${i}`, { idleMs: 1000 * (i + 1) }));
  }
  await store.touch("key-0", record("ada", "0", { lastSeenMs: nowMs + 1_000_000, idleMs: 1000 }));
  store.sweep(nowMs + 60_000);
  expect(store.size).toBeGreaterThan(40);
  expect(store.size).toBeLessThan(61);
  expect(told).not.toContain("0");
  store.sweep(nowMs + 10_000_000);
  expect(store.size).toBe(0);
  expect(new Set(told).size).toBe(100);
});

test("sessions outlive the process, and the file holds no secret", async () => {
  const snapshotPath = join(folder(), "sessions.json");
  const first = new MemorySessionStore({ snapshotPath });
  const sessions = new Sessions(first, { idleMs: 60_000, maxMs: 600_000 });
  const kept = await sessions.create({ user: "ada", address: "::1", agent: "x" });
  const revoked = await sessions.create({ user: "ada", address: "::1", agent: "y" });
  await sessions.revoke([revoked]);
  await first.close();

  const text = readFileSync(snapshotPath, "utf8");
  expect(text).not.toContain(kept.secret);
  expect(statSync(snapshotPath).mode & 0o777).toBe(0o600);
  const second = new MemorySessionStore({ snapshotPath });
  onTestFinished(() => second.close());
  const again = new Sessions(second, { idleMs: 60_000, maxMs: 600_000 });
  expect((await again.find(kept.secret))?.record).toEqual(kept.record);
  expect(await again.find(revoked.secret)).toBeUndefined();
  // What is stored is no cookie.
  expect(await again.find(kept.key)).toBeUndefined();
});

test("a damaged snapshot is put aside", async () => {
  const snapshotPath = join(folder(), "sessions.json");
  for (const damage of [
    "",
    "{",
    '{"format":"tz-sessions-1","sessions":[["k",{"id":1}]]}',
    '{"format":"x"}',
  ]) {
    writeFileSync(snapshotPath, damage);
    const store = new MemorySessionStore({ snapshotPath });
    expect(store.size).toBe(0);
    expect(existsSync(snapshotPath)).toBe(false);
    expect(readFileSync(`${snapshotPath}.damaged`, "utf8")).toBe(damage);
    await store.close();
  }
});

test("a snapshot that was cut at any byte is put aside, not read in part", async () => {
  const snapshotPath = join(folder(), "sessions.json");
  const first = new MemorySessionStore({ snapshotPath });
  const sessions = new Sessions(first, { idleMs: 60_000, maxMs: 600_000 });
  for (const user of ["ada", "bob"]) await sessions.create({ user, address: "::1", agent: "ünï" });
  await first.close();
  const whole = readFileSync(snapshotPath);
  for (let length = 0; length < whole.byteLength; length++) {
    if (whole.subarray(length).toString().trim() === "") continue;
    writeFileSync(snapshotPath, whole.subarray(0, length));
    const store = new MemorySessionStore({ snapshotPath });
    expect(store.size).toBe(0);
    expect(existsSync(snapshotPath)).toBe(false);
    await store.close();
  }
});

test("kill -9 at any moment leaves a whole snapshot without what was revoked", async () => {
  const snapshotPath = join(folder(), "sessions.json");
  const script = fileURLToPath(new URL("./snapshot-writer.fixture.ts", import.meta.url));
  for (let round = 0; round < 4; round++) {
    const child = spawn(
      process.execPath,
      ["--import", "tsx", "--conditions=@tz/source", script, snapshotPath],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    let revoked = "";
    await new Promise<void>((resolve) => {
      let lines = 0;
      child.stdout.on("data", (chunk: Buffer) => {
        revoked += chunk;
        lines += chunk.toString().split("\n").length - 1;
        if (lines > 20 + round * 7) resolve();
      });
    });
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGKILL");
    await ended;
    const store = new MemorySessionStore({ snapshotPath });
    expect(existsSync(`${snapshotPath}.damaged`)).toBe(false);
    for (const secret of revoked.split("\n").slice(0, -1)) {
      const sessions = new Sessions(store, { idleMs: 60_000, maxMs: 600_000 });
      expect(await sessions.find(secret)).toBeUndefined();
    }
    await store.close();
  }
});
