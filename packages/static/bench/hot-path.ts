/**
 * What a plain hit costs, from the bytes of the target to the plan and back.
 * usage: node --import tsx --conditions=@tz/source packages/static/bench/hot-path.ts [ROUNDS]
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { PlanRequest, ResponsePlan } from "@tz/http1";
import { FIELD } from "@tz/http1";
import { type StaticOptions, staticMount } from "../src/index.js";

const PER_ROUND = 1_000_000;
const rounds = Number(process.argv[2] ?? 5);
const root = mkdtempSync(path.join(tmpdir(), "tz-hot-path-"));
writeFileSync(path.join(root, "style.css"), "a{}".repeat(340));

function request(target: string, fields: Record<number, string> = {}): PlanRequest {
  const text = `GET ${target} HTTP/1.1\r\n`;
  const bytes = Buffer.from(text);
  let fieldMask = 0;
  for (const id of Object.keys(fields)) fieldMask |= 1 << Number(id);
  return {
    method: "GET",
    target,
    minorVersion: 1,
    fieldMask,
    field: (name) => fields[name as number],
    bytes,
    targetStart: 4,
    targetEnd: 4 + target.length,
  };
}

function measure(
  name: string,
  options: StaticOptions,
  fields: (etag: string) => Record<number, string>,
): void {
  const mount = staticMount("/", root, options);
  const first = mount.plan(request("/style.css")) as ResponsePlan;
  const etag = first.head.fields[first.head.fields.indexOf("ETag") + 1]!;
  const asked = request("/style.css", fields(etag));
  const expected = Object.keys(fields(etag)).includes(String(FIELD.ifNoneMatch)) ? 304 : 200;
  const all: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < PER_ROUND; i++) {
      const plan = mount.plan(asked) as ResponsePlan;
      if (plan.head.status !== expected) throw new Error(`status ${plan.head.status}`);
      plan.release?.();
    }
    if (round > 0) all.push(Number(process.hrtime.bigint() - start) / PER_ROUND);
  }
  all.sort((a, b) => a - b);
  console.log(
    `${name}: ${all[all.length >> 1]!.toFixed(0)} ns (${all[0]!.toFixed(0)} – ${all.at(-1)!.toFixed(0)})`,
  );
  mount.close();
}

measure("hit", {}, () => ({}));
measure("hit, not watched", { watch: false }, () => ({}));
measure("hit, one statx each", { revalidateMs: 0 }, () => ({}));
measure("304 by If-None-Match", {}, (etag) => ({ [FIELD.ifNoneMatch]: etag }));
rmSync(root, { recursive: true });
