import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { UsageError } from "./usage-error.js";

/** Written by `npm run pack` beside its tarballs: file by name of package. */
const LIST = "packages.json";
/** What the template depends on. */
const NEEDED = ["@tz/server", "@tz/static"];

/**
 * `file:` specifiers of the packages of tz in `folder`, by name.
 * @throws {UsageError} when the folder was not made by `npm run pack`, or a tarball is gone
 */
export function packedTz(folder: string): Record<string, string> {
  const list = join(folder, LIST);
  if (!existsSync(list)) {
    throw new UsageError(
      `--packages ${JSON.stringify(folder)} has no ${LIST}; give a folder that "npm run pack -- --into DIR" of a clone of tz made`,
    );
  }
  const files = Object.entries(JSON.parse(readFileSync(list, "utf8")) as Record<string, string>)
    .filter(([name]) => name.startsWith("@tz/"))
    .map(([name, file]) => [name, resolve(folder, file)] as const);
  const absent = [
    ...NEEDED.filter((name) => !files.some(([each]) => each === name)),
    ...files.filter(([, file]) => !existsSync(file)).map(([name]) => name),
  ];
  if (absent.length > 0) {
    throw new UsageError(`--packages ${JSON.stringify(folder)} lacks ${absent.join(", ")}; make it again`);
  }
  return Object.fromEntries(files.map(([name, file]) => [name, `file:${file}`]));
}
