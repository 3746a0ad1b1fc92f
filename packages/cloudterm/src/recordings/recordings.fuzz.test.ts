import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { Recordings } from "./recordings.js";

const ID = "abcdefghijklmnopqrst";
const whole = JSON.stringify({ id: ID, user: "ada", terminal: "t", backend: "local", createdMs: 1 });
const about = fc.oneof(
  fc.json(),
  fc.string({ unit: "binary" }),
  fc
    .tuple(fc.nat(whole.length), fc.nat(30), fc.json())
    .map(([at, length, text]) => whole.slice(0, at) + text + whole.slice(at + length)),
  fc
    .record({
      user: fc.jsonValue(),
      terminal: fc.jsonValue(),
      backend: fc.jsonValue(),
      createdMs: fc.jsonValue(),
    })
    .map((value) => JSON.stringify(value)),
);

test("whatever lies in the folder, what is listed says whose it is and since when", () => {
  const directory = mkdtempSync(join(tmpdir(), "tz-recordings-fuzz-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(join(directory, `${ID}.cast`), "");
  fc.assert(
    fc.property(about, (text) => {
      writeFileSync(join(directory, `${ID}.json`), text);
      const errors: Error[] = [];
      const recordings = new Recordings({ directory, onError: (error) => errors.push(error) });
      const list = recordings.list();
      expect(list.length + errors.length).toBe(1);
      for (const { id, user, terminal, backend, createdMs } of list) {
        expect(id).toBe(ID);
        for (const each of [user, terminal, backend]) expect(each).toBeTypeOf("string");
        expect(Number.isFinite(createdMs)).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});
