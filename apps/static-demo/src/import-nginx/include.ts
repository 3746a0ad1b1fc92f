/** A configuration with the files that it includes in their places. */
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import { UsageError } from "../usage-error.js";
import type { Directive } from "./directive.js";
import { parseNginx } from "./parse.js";

/** As nginx has no limit, a circle has to end somewhere. */
const DEPTH_MAX = 16;

/** The map of media types that every nginx comes with: `tz-static` has a table of its own, so it stays unread. */
export function isTypesFile({ name, args }: Directive): boolean {
  return name === "include" && basename(args[0] ?? "") === "mime.types";
}

/**
 * @param file as the user named it; messages name it so
 * @throws {UsageError} for what cannot be read or parsed
 */
export function loadNginx(file: string): Directive[] {
  return resolved(parseNginx(read(file, `${file}`), file), dirname(file), 0);
}

function resolved(directives: readonly Directive[], base: string, depth: number): Directive[] {
  return directives.flatMap((directive) => {
    const { name, args, block, line, file } = directive;
    if (name !== "include" || isTypesFile(directive)) {
      return [block === undefined ? directive : { ...directive, block: resolved(block, base, depth) }];
    }
    const place = `${file}:${line}: include ${args.join(" ")}:`;
    const [pattern] = args;
    if (args.length !== 1 || pattern === undefined) throw new UsageError(`${place} takes one file`);
    if (depth >= DEPTH_MAX)
      throw new UsageError(`${place} includes are more than ${DEPTH_MAX} deep, a circle?`);
    const files = included(pattern, base);
    // Whoever reads the block refuses it with the others, when the block is read at all.
    if (files === undefined) return [directive];
    return files.flatMap((path) => resolved(parseNginx(read(path, place), path), base, depth + 1));
  });
}

/**
 * nginx means relative names from the folder of `nginx.conf`; FILE may lie one or two folders below it
 * (`sites-available/site`), so the folders above are looked at too. A pattern may match nothing.
 */
function included(pattern: string, base: string): string[] | undefined {
  const folders = isAbsolute(pattern) ? [""] : [base, join(base, ".."), join(base, "../..")];
  for (const folder of folders) {
    const found = matching(folder === "" ? pattern : join(folder, pattern));
    if (found.length > 0) return found;
  }
  return /[*?[]/.test(pattern) ? [] : undefined;
}

/** Wildcards in the last part of a path, as in `conf.d/*.conf`. */
function matching(path: string): string[] {
  const folder = dirname(path);
  const name = basename(path);
  let expression: RegExp;
  let names: string[];
  try {
    expression = new RegExp(
      `^${name
        .replace(/[\\^$.|+(){}]/g, "\\$&")
        .replaceAll("*", "[^/]*")
        .replaceAll("?", "[^/]")}$`,
    );
    names = readdirSync(folder);
  } catch {
    // No such folder, or brackets that are no set of characters ("[z-a]"): nothing has such a name.
    return [];
  }
  return names
    .filter((each) => expression.test(each) && (name.startsWith(".") || !each.startsWith(".")))
    .sort()
    .map((each) => join(folder, each));
}

const FAILURES: Readonly<Record<string, string>> = {
  ENOENT: "does not exist",
  EACCES: "may not be read by this user",
  EISDIR: "is a directory; it must be a file",
};

function read(path: string, place: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const why = FAILURES[(error as NodeJS.ErrnoException).code ?? ""] ?? "cannot be read";
    throw new UsageError(place === path ? `${path} ${why}` : `${place} ${path} ${why}`);
  }
}
