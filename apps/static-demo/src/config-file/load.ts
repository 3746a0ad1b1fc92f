import { readFileSync } from "node:fs";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { UsageError } from "../usage-error.js";

const MODULES = new Set([".mjs", ".js", ".cjs", ".ts", ".mts", ".cts"]);

/**
 * The value in a config file: parsed JSON, or what a module exports by default.
 * @throws {UsageError} naming the file and what is wrong with it
 */
export async function loadConfigValue(file: string): Promise<unknown> {
  const path = resolve(file);
  const extension = extname(path).toLowerCase();
  const refuse = (why: string) => new UsageError(`--config ${JSON.stringify(file)} ${why}`);
  if (extension !== ".json" && !MODULES.has(extension)) {
    throw refuse(`must end in .json, ${[...MODULES].join(", ")}`);
  }
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw refuse(failures[(error as NodeJS.ErrnoException).code ?? ""] ?? "cannot be read");
  }
  if (extension === ".json") {
    try {
      return JSON.parse(text.replace(/^\uFEFF/, ""));
    } catch (error) {
      throw refuse(`is not JSON: ${oneLine(error)}`);
    }
  }
  let loaded: { readonly default?: unknown };
  try {
    loaded = await import(pathToFileURL(path).href);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_UNKNOWN_FILE_EXTENSION") {
      throw refuse(`needs Node 22.18 or later to be read (this is ${process.version}); write .mjs or .json`);
    }
    throw refuse(`failed: ${oneLine(error)}`);
  }
  if (loaded.default === undefined) throw refuse("exports nothing by default; write export default { … }");
  return loaded.default;
}

const failures: Record<string, string> = {
  ENOENT: "does not exist",
  EACCES: "may not be read by this user",
  EISDIR: "is a directory; it must be a file",
};

function oneLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s*\n\s*/g, " ");
}
