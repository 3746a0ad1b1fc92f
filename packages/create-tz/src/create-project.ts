import { cpSync, existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { packedTz } from "./packed-tz.js";
import { UsageError } from "./usage-error.js";

/** Names that npm takes for a package (without a scope). */
const PACKAGE_NAME = /^[a-z0-9][a-z0-9._-]{0,213}$/;
/** npm leaves files out of packages by these names, so the template has others. */
const RENAMED: Readonly<Record<string, string>> = { _gitignore: ".gitignore" };

export interface NewProject {
  /** The folder to make, as the user said it. */
  readonly folder: string;
  /** What is copied. */
  readonly template: string;
  /** Of `@tz/server` and `@tz/static`: all of tz has one version. */
  readonly version: string;
  /** A folder of tarballs that `npm run pack` of a clone made; without it, they come from the registry. */
  readonly packages?: string | undefined;
}

/**
 * Copies the template. Nothing is written unless all of it can be.
 * @returns the names of what was written
 * @throws {UsageError} for a name that is no package name, a folder that is not empty, and a folder of packages
 *   that is none
 */
export function createProject({ folder, template, version, packages }: NewProject): string[] {
  const target = resolve(folder);
  const name = basename(target);
  if (!PACKAGE_NAME.test(name)) {
    throw new UsageError(
      `DIR ${JSON.stringify(folder)} would make a package named ${JSON.stringify(name)}; it must begin with a small letter or a digit and have only those, "-", "_" and "."`,
    );
  }
  checkEmpty(folder, target);
  const packed = packages === undefined ? undefined : packedTz(packages);
  cpSync(template, target, { recursive: true });
  for (const [from, to] of Object.entries(RENAMED)) renameSync(join(target, from), join(target, to));
  const manifest = join(target, "package.json");
  const text = readFileSync(manifest, "utf8").replace('"tz-app"', JSON.stringify(name));
  writeFileSync(manifest, packed ? withPacked(text, packed) : text.replaceAll("TZ_VERSION", `^${version}`));
  return readdirSync(target).sort();
}

/** `overrides`: they ask for each other by version, and the registry may not have that one. */
function withPacked(text: string, packed: Readonly<Record<string, string>>): string {
  const manifest = JSON.parse(text) as { dependencies: Record<string, string>; overrides?: object };
  for (const name of Object.keys(manifest.dependencies)) {
    manifest.dependencies[name] = packed[name] ?? manifest.dependencies[name]!;
  }
  manifest.overrides = packed;
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

function checkEmpty(folder: string, target: string): void {
  if (!existsSync(target)) return;
  if (!statSync(target).isDirectory())
    throw new UsageError(`DIR ${JSON.stringify(folder)} is a file; give a folder`);
  // A clone of an empty repository is empty enough.
  const inside = readdirSync(target).filter((each) => each !== ".git");
  if (inside.length > 0) {
    throw new UsageError(
      `DIR ${JSON.stringify(folder)} is not empty (${inside[0]}, …); give another, or empty it`,
    );
  }
}
