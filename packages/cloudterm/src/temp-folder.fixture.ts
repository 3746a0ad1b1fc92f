import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A folder that goes with the test. */
export function tempFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "tz-cloudterm-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}
