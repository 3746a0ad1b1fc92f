import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { readSnapshot } from "./snapshot.js";

const record = {
  id: "i",
  user: "ada",
  createdMs: 1,
  lastSeenMs: 1,
  endMs: 2,
  idleMs: 1,
  address: "::1",
  agent: "",
};
const whole = JSON.stringify({ format: "tz-sessions-1", sessions: [["key", record]] });

const aFile = fc.oneof(
  fc.uint8Array({ maxLength: 100 }),
  fc.json().map((text) => Buffer.from(text)),
  // One piece of a whole one is something else.
  fc
    .tuple(fc.nat(whole.length), fc.nat(20), fc.json())
    .map(([at, length, text]) => Buffer.from(whole.slice(0, at) + text + whole.slice(at + length))),
  fc.json().map((key) => Buffer.from(whole.replace('"key"', () => key))),
);

test("whatever a snapshot's file holds, it is whole sessions or put aside", () => {
  const folder = mkdtempSync(join(tmpdir(), "tz-snapshot-fuzz-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "sessions.json");
  fc.assert(
    fc.property(aFile, (bytes) => {
      writeFileSync(path, bytes);
      const sessions = readSnapshot(path);
      for (const { key, record: read } of sessions) {
        expect(typeof key).toBe("string");
        expect(Object.keys(read)).toEqual(Object.keys(record));
      }
      if (!existsSync(path)) expect(sessions).toEqual([]);
    }),
    { numRuns: 500 },
  );
});
