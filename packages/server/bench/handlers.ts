/**
 * What a JSON route costs beside the connection: `node --import tsx --conditions=@tz/source bench/handlers.ts`
 * Each line is the median of nine runs, in nanoseconds an operation; results are checked before they are timed.
 */
import { strict as assert } from "node:assert";
import { Type } from "@sinclair/typebox";
import { TypeCompiler } from "@sinclair/typebox/compiler";
import fastJson from "fast-json-stringify";
import { compiledSchema, json } from "../src/index.js";

const User = compiledSchema(
  TypeCompiler.Compile(
    Type.Object({
      id: Type.Integer({ minimum: 1 }),
      name: Type.String({ minLength: 1, maxLength: 100 }),
      email: Type.String({ pattern: "^[^@\\s]+@[^@\\s]+$", maxLength: 200 }),
      age: Type.Optional(Type.Integer({ minimum: 0, maximum: 150 })),
      tags: Type.Array(Type.String(), { maxItems: 20 }),
      metadata: Type.Record(Type.String(), Type.String()),
    }),
  ),
);
const user = {
  id: 7,
  name: "Ada Lovelace",
  email: "ada@example.org",
  age: 36,
  tags: ["math", "engines"],
  metadata: { source: "letter" },
};
const check = User["~standard"].validate;
const answer = { id: 7, name: "Ada", active: true };
const stringify = fastJson({
  type: "object",
  properties: { id: { type: "integer" }, name: { type: "string" }, active: { type: "boolean" } },
});
const compiled = { stringify };
const text = '{"id":7,"name":"Ada","active":true}';

assert.deepEqual(check(user), { value: user });
assert.ok("issues" in (check({ ...user, tags: [1] }) as object));
for (const plan of [json(answer), json(answer, compiled)]) {
  assert.equal(plan.body.kind === "bytes" && Buffer.from(plan.body.bytes).toString(), text);
  assert.match(
    Buffer.from(plan.head.bytes).toString(),
    /Content-Type: application\/json\r\nContent-Length: 35\r\n\r\n/,
  );
}

const RUNS = 9;
const count = Number(process.argv[2] ?? 300_000);
let sink: unknown;

function measure(name: string, work: () => unknown): void {
  const runs: number[] = [];
  for (let run = 0; run <= RUNS; run++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < count; i++) sink = work();
    if (run > 0) runs.push(Number(process.hrtime.bigint() - start) / count);
  }
  runs.sort((a, b) => a - b);
  console.log(`${name.padEnd(48)} ${runs[RUNS >> 1]!.toFixed(0).padStart(6)} ns`);
}

measure("compiled check of the 6-field user", () => check(user));
measure("JSON.stringify of 3 fields alone", () => JSON.stringify(answer));
measure("json() of 3 fields, head included", () => {
  const plan = json(answer);
  return plan.head.bytes;
});
measure("json() of 3 fields, fast-json-stringify", () => {
  const plan = json(answer, compiled);
  return plan.head.bytes;
});
assert.ok(sink);
