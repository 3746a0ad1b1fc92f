import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { buildWeb } from "../scripts/build-web.mjs";

declare module "vitest" {
  interface ProvidedContext {
    /** The front end, bundled once for all test files. */
    builtWeb: string;
  }
}

export default async function setup(project: TestProject): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), "tz-web-"));
  await buildWeb(folder);
  project.provide("builtWeb", folder);
  return () => rmSync(folder, { recursive: true, force: true });
}
