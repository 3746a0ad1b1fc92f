/**
 * What the plan of a file costs that nobody keeps, system calls included, in CPU time by who used it.
 * usage: node --import tsx --conditions=@tz/source packages/static/bench/cold-path.ts [ROUNDS]
 */
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { PlanRequest, ResponsePlan } from "@tz/http1";
import { staticMount } from "../src/index.js";

const FILES = 10_000;
const rounds = Number(process.argv[2] ?? 9);
const root = mkdtempSync(path.join(tmpdir(), "tz-cold-path-"));
const requests: PlanRequest[] = [];
for (let i = 0; i < FILES; i++) {
  const file = path.join(root, `${i}.css`);
  writeFileSync(file, "a{}\n".repeat(256));
  utimesSync(file, 1_700_000_000, 1_700_000_000 + i / 7);
}
for (let i = 0; i < FILES; i++) {
  const text = `GET /${i}.css HTTP/1.1\r\n`;
  const bytes = Buffer.from(text);
  requests.push({
    method: "GET",
    get target() {
      return bytes.toString("latin1", 4, text.length - 11);
    },
    minorVersion: 1,
    fieldMask: 0,
    field: () => undefined,
    bytes,
    targetStart: 4,
    targetEnd: text.length - 11,
  });
}
// Files that changed a moment ago take the long way.
await new Promise((resolve) => setTimeout(resolve, 200));
const mount = staticMount("/", root, { cache: { bytes: 0 } });
const all: { user: number; system: number }[] = [];
for (let round = -3; round < rounds; round++) {
  const start = process.cpuUsage();
  for (const request of requests) {
    const plan = mount.plan(request) as ResponsePlan;
    if (plan.packed === undefined || plan.head.status !== 200) throw new Error("not the short way");
    plan.release?.();
  }
  const { user, system } = process.cpuUsage(start);
  if (round >= 0) all.push({ user: user / FILES, system: system / FILES });
}
mount.close();
rmSync(root, { recursive: true });
const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!.toFixed(2);
console.log(
  `user ${median(all.map(({ user }) => user))} µs, system ${median(all.map(({ system }) => system))} µs a file; least ${Math.min(...all.map(({ user, system }) => user + system)).toFixed(2)}`,
);
