import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { localPty } from "../terminals/local-pty.js";
import { Terminals } from "../terminals/terminals.js";
import { Recordings, type RecordingsOptions } from "./recordings.js";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tz-recordings-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const until = (check: () => boolean) => vi.waitUntil(check, { timeout: 120_000, interval: 5 });
const store = (more: Partial<RecordingsOptions> = {}) =>
  new Recordings({ directory: join(directory, "r"), ...more });
const start = { id: "terminal", user: "ada", backend: "local", columns: 80, rows: 24 };
const end = { code: 0, signal: undefined, message: "" };

type Line = [number, string, string];
const linesOf = (cast: Buffer | string) =>
  cast
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line & Record<string, unknown>);

test("a terminal's output, sizes and end are an asciicast v3", async () => {
  const recordings = store();
  const terminals = new Terminals({
    backends: {
      local: localPty({
        command: ["sh", "-c", "read a; printf 'h\\303'; sleep 0.1; printf '\\244llo\\n'; exit 4"],
      }),
    },
    record: (begin) => recordings.record(begin),
  });
  const terminal = await terminals.open({ user: "ada", record: true });
  const id = terminal.info.recording!;
  expect(recordings.get(id)).toMatchObject({
    user: "ada",
    terminal: terminal.id,
    backend: "local",
    running: true,
  });
  const viewer = terminal.attach(
    { output: () => true, state() {}, title() {}, ended() {}, dismissed() {} },
    { access: "write", size: { columns: 99, rows: 33 } },
  );
  viewer.input(Buffer.from("\n"), 0, 1);
  await until(() => recordings.get(id)?.running === false);
  const [header, ...events] = linesOf(await recordings.read(id));
  expect(header).toMatchObject({ version: 3, term: { cols: 80, rows: 24, type: "xterm-256color" } });
  for (const [seconds] of events) expect(seconds).toBeGreaterThanOrEqual(0);
  expect(events[0]!.slice(1)).toEqual(["r", "99x33"]);
  expect(events.at(-1)!.slice(1)).toEqual(["x", "4"]);
  // No character is cut between two events.
  const output = events.filter(([, kind]) => kind === "o").map(([, , text]) => text);
  expect(output.join("")).toBe("\r\nhällo\r\n");
  for (const text of output) expect(text).not.toContain("\ufffd");
  expect(statSync(recordings.pathOf(id)!).mode & 0o777).toBe(0o600);
  await terminals.close();
});

test("recordings are there after a restart, listed by user, deleted with their files", async () => {
  const first = store();
  const ids: string[] = [];
  for (const user of ["ada", "bob", "ada"]) {
    const recorder = await first.record({ ...start, user });
    recorder.output(Buffer.from("text"), 0, 4);
    recorder.end(end);
    ids.push(recorder.id);
    await until(() => first.get(recorder.id)?.running === false);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  writeFileSync(join(directory, "r", "foreign.json"), "{}");
  writeFileSync(join(directory, "r", `${"a".repeat(20)}.json`), "not JSON");
  const errors: Error[] = [];
  const again = store({ onError: (error) => void errors.push(error) });
  expect(errors.length).toBe(1);
  expect(again.list().map(({ id }) => id)).toEqual([...ids].reverse());
  expect(again.list("bob").map(({ id }) => id)).toEqual([ids[1]]);
  expect(again.totalBytes).toBe(again.list().reduce((sum, { byteLength }) => sum + byteLength, 0));
  expect(await again.delete(ids[1]!)).toBe(true);
  expect(await again.delete(ids[1]!)).toBe(false);
  expect(readdirSync(join(directory, "r")).filter((name) => name.startsWith(ids[1]!))).toEqual([]);
  await expect(again.read(ids[1]!)).rejects.toMatchObject({ code: "TZ_CLOUDTERM_NOT_FOUND" });
});

test("no name that a request says leads to a file", async () => {
  const recordings = store();
  writeFileSync(join(directory, "secret.cast"), "secret");
  for (const id of ["../secret", "..%2fsecret", "/etc/passwd", "", ".", "\0", "__proto__", "constructor"]) {
    expect(recordings.pathOf(id)).toBeUndefined();
    expect(recordings.get(id)).toBeUndefined();
    expect(await recordings.delete(id)).toBe(false);
    await expect(recordings.read(id)).rejects.toMatchObject({ code: "TZ_CLOUDTERM_NOT_FOUND" });
  }
  expect(readFileSync(join(directory, "secret.cast"), "utf8")).toBe("secret");
});

test("the disk that they take is bounded: each, all, and by number", async () => {
  const recordings = store({
    limits: { maxRecordingBytes: 65_536, maxTotalBytes: 150_000, maxRecordings: 4 },
  });
  const chunk = Buffer.alloc(5000, "☃\x01");
  for (let i = 0; i < 6; i++) {
    const recorder = await recordings.record(start);
    for (let j = 0; j < 40; j++) recorder.output(chunk, 0, chunk.length);
    recorder.end(end);
    await until(() => recordings.get(recorder.id)?.running === false);
    const cast = await recordings.read(recorder.id);
    expect(cast.length).toBeLessThanOrEqual(65_536);
    expect(
      linesOf(cast)
        .slice(-2)
        .map((line) => line.slice(1)),
    ).toEqual([
      ["m", "the recording is full"],
      ["x", "0"],
    ]);
    expect(recordings.totalBytes).toBeLessThanOrEqual(150_000);
    expect(recordings.list().length).toBeLessThanOrEqual(4);
  }
  const kept = recordings.list();
  expect(kept.length).toBeGreaterThan(0);
  await until(() => readdirSync(join(directory, "r")).length === 2 * kept.length);
});

test("a recording that the disk is behind with holds its program up", async () => {
  const recordings = store({ limits: { maxQueueBytes: 65_536 } });
  const recorder = await recordings.record(start);
  let drained = 0;
  recorder.onDrain(() => drained++);
  const chunk = Buffer.alloc(60_000, "x");
  recorder.output(chunk, 0, chunk.length);
  expect(recorder.isBehind).toBe(false);
  recorder.output(chunk, 0, chunk.length);
  expect(recorder.isBehind).toBe(true);
  await until(() => drained === 1);
  expect(recorder.isBehind).toBe(false);
  recorder.end(end);
  await until(() => recordings.get(recorder.id)?.running === false);
});

test.each([
  "null",
  "{}",
  '{"user":"ada","terminal":"t","backend":"local","createdMs":"today"}',
  '{"user":7,"terminal":"t","backend":"local","createdMs":1}',
])("a recording that does not say whose it is and since when is left out: %s", (about) => {
  const errors: Error[] = [];
  store();
  const id = "abcdefghijklmnopqrst";
  writeFileSync(join(directory, "r", `${id}.json`), about);
  writeFileSync(join(directory, "r", `${id}.cast`), "");
  expect(store({ onError: (error) => errors.push(error) }).list()).toEqual([]);
  expect(errors).toHaveLength(1);
});
