import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { smallDisk } from "../small-disk.fixture.js";
import { tempFolder } from "../temp-folder.fixture.js";
import { AuditLog } from "./audit-log.js";

test("events are lines in order, for their owner only", async () => {
  const path = join(tempFolder(), "audit.jsonl");
  const log = new AuditLog(path, { now: () => 0 });
  for (let i = 0; i < 100; i++) log.write({ event: "login.failed", user: `u${i}`, address: "::1" });
  await log.close();
  const again = new AuditLog(path);
  again.write({ event: "logout", user: "ada" });
  await again.flush();
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  expect(lines.length).toBe(101);
  expect(lines[7]).toBe(
    '{"time":"1970-01-01T00:00:00.000Z","event":"login.failed","user":"u7","address":"::1"}',
  );
  expect(statSync(path).mode & 0o777).toBe(0o600);
  // A process that was killed leaves half a line.
  appendFileSync(path, '{"time":"19');
  const tail = (await again.tail(2)) as { event: string; user: string }[];
  expect(tail.map(({ user }) => user)).toEqual(["ada", "u99"]);
  await again.close();
});

test("what somebody else typed forges no line and moves no cursor", async () => {
  const path = join(tempFolder(), "audit.jsonl");
  const log = new AuditLog(path);
  log.write({ event: "login.failed", user: 'x"}\n{"event":"login"}\x1b[2J\x9b2J\x7f\u2028' });
  await log.close();
  const text = readFileSync(path, "utf8");
  expect(text.split("\n").length).toBe(2);
  expect(text.trimEnd()).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028]/);
  expect(JSON.parse(text).user).toContain("\x9b2J\x7f");
});

test("a file that is full is put aside, and only so many are kept", async () => {
  const folder = tempFolder();
  const path = join(folder, "audit.jsonl");
  const log = new AuditLog(path, { maxFileBytes: 1024, keepFiles: 3 });
  for (let i = 0; i < 200; i++) {
    log.write({ event: "x", i });
    if (i % 7 === 0) await log.flush();
  }
  await log.close();
  expect(readdirSync(folder).sort()).toEqual([
    "audit.jsonl",
    "audit.jsonl.1",
    "audit.jsonl.2",
    "audit.jsonl.3",
  ]);
  const kept = [3, 2, 1].map((n) => readFileSync(`${path}.${n}`, "utf8"));
  kept.push(readFileSync(path, "utf8"));
  for (const text of kept) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1024);
  const numbers = kept.flatMap((text) =>
    text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).i as number),
  );
  expect(numbers.at(-1)).toBe(199);
  expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => 200 - numbers.length + i));
  const tail = (await log.tail(12)) as { i: number }[];
  expect(tail.map(({ i }) => i)).toEqual(Array.from({ length: 12 }, (_, i) => 199 - i));
});

test("what waits is bounded, and what was dropped is said", async () => {
  const path = join(tempFolder(), "audit.jsonl");
  const log = new AuditLog(path, { maxWaiting: 10 });
  for (let i = 0; i < 25; i++) log.write({ event: "x", i });
  await log.close();
  const lines = readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.length).toBe(11);
  expect(lines[10]).toMatchObject({ event: "audit.dropped", count: 15 });
});

test("half a line that a killed process left takes no other with it", async () => {
  const path = join(tempFolder(), "audit.jsonl");
  writeFileSync(path, '{"event":"whole"}\n{"time":"19');
  const log = new AuditLog(path);
  log.write({ event: "first" });
  await log.flush();
  log.write({ event: "second" });
  const tail = (await log.tail(9)) as { event: string }[];
  expect(tail.map(({ event }) => event)).toEqual(["second", "first", "whole"]);
  await log.close();
});

test("what could not be written is said once it can", async () => {
  const folder = join(tempFolder(), "later");
  const log = new AuditLog(join(folder, "audit.jsonl"));
  for (let i = 0; i < 3; i++) log.write({ event: "lost", i });
  await expect(log.flush()).rejects.toMatchObject({ code: "ENOENT" });
  mkdirSync(folder);
  log.write({ event: "kept" });
  const tail = await log.tail(9);
  expect(tail).toMatchObject([{ event: "audit.dropped", count: 3 }, { event: "kept" }]);
  await log.close();
});

const disk = smallDisk();
test.skipIf(!disk.canMount)(
  `a full disk: what follows is whole lines, and what was lost is counted${disk.reason}`,
  async () => {
    const place = disk.mount(64 * 1024);
    onTestFinished(place.unmount);
    const filler = join(place.path, "filler");
    const log = new AuditLog(join(place.path, "audit.jsonl"));
    log.write({ event: "before" });
    await log.flush();
    // Whole pages but one, so that the next batch is cut in the middle.
    writeFileSync(filler, Buffer.alloc(14 * 4096));
    for (let i = 0; i < 200; i++) log.write({ event: "too.many", i, text: "x".repeat(50) });
    await expect(log.flush()).rejects.toMatchObject({ code: "ENOSPC" });
    rmSync(filler);
    log.write({ event: "after" });
    const tail = (await log.tail(500)) as { event: string }[];
    expect(tail[0]).toMatchObject({ event: "audit.dropped", count: 200 });
    expect(tail[1]).toMatchObject({ event: "after" });
    expect(tail.at(-1)).toMatchObject({ event: "before" });
    await log.close();
  },
);
