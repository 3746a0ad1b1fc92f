import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The folder of the workspace, without a slash at its end. */
export const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/[\\/]$/, "");

/** Reads a JSON file; `undefined` when it is missing or broken, so that a damaged stamp means "do it again". */
export function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}
