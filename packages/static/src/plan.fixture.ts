/** Requests without a server, and what plans say, for tests of the engine alone. */
import fs from "node:fs";
import { FIELD_NAMES, type PlanRequest, type ResponsePlan } from "@tz/http1";

/** @param headers names in lower case */
export function requestOf(
  target: string,
  headers: Readonly<Record<string, string>> = {},
  method = "GET",
): PlanRequest {
  let fieldMask = 0;
  for (const name of Object.keys(headers)) {
    const id = FIELD_NAMES.indexOf(name);
    if (id >= 0 && id < 32) fieldMask |= 1 << id;
  }
  return {
    method,
    target,
    minorVersion: 1,
    fieldMask,
    field: (name) => headers[typeof name === "string" ? name : (FIELD_NAMES[name] ?? "")],
  };
}

/** The same as it lies in an executor's memory. */
export function bytesRequestOf(
  target: string,
  headers: Readonly<Record<string, string>> = {},
  method = "GET",
): PlanRequest {
  const request = requestOf(target, headers, method);
  const bytes = Buffer.from(`${method} ${target} HTTP/1.1\r\n`, "latin1");
  const targetStart = method.length + 1;
  return { ...request, bytes, targetStart, targetEnd: targetStart + target.length };
}

export function fieldOf(plan: ResponsePlan, name: string): string | undefined {
  const { fields } = plan.head;
  for (let i = 0; i < fields.length; i += 2) if (fields[i]!.toLowerCase() === name) return fields[i + 1];
  return undefined;
}

/** All bytes of a body, read as an executor would. */
export async function bodyOf({ body }: ResponsePlan): Promise<Buffer> {
  if (body.kind === "none") return Buffer.alloc(0);
  if (body.kind === "bytes") return Buffer.from(body.bytes);
  const parts: Uint8Array[] = [];
  if (body.kind === "stream") {
    for await (const chunk of body.chunks) parts.push(Buffer.from(chunk));
  } else {
    for (const segment of body.segments) {
      if (segment instanceof Uint8Array) {
        parts.push(segment);
        continue;
      }
      const bytes = Buffer.alloc(segment.length);
      fs.readSync(segment.file.fd, bytes, 0, segment.length, segment.offset);
      parts.push(bytes);
    }
  }
  return Buffer.concat(parts);
}

/** A clock that moves when it is told to. */
export function manualClock(): { now(): number; advance(byMs: number): void } {
  let nowMs = 1000;
  return {
    now: () => nowMs,
    advance(byMs) {
      nowMs += byMs;
    },
  };
}
