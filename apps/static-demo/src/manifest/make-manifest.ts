import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { extname, join } from "node:path";
import type { Manifest, ManifestFile } from "@tz/static";
import { findAll } from "./find-all.js";
import { linksOfPage } from "./page-links.js";

export interface ManifestSummary {
  readonly manifest: Manifest;
  readonly files: number;
  /** Files with a content-addressed name. */
  readonly names: number;
  readonly preloads: number;
  readonly failures: readonly { readonly path: string; readonly message: string }[];
}

export interface ManifestChoices {
  /** Of the mount that will serve the directory. */
  readonly prefix: string;
  /** Give files content-addressed names. */
  readonly names: boolean;
}

/** Digits of the hash in a name: 40 bits tell the versions of one file apart. */
const NAME_DIGITS = 10;
const PAGES = new Set([".html", ".htm"]);

/** Hashes every file of a directory and reads what its pages need. */
export async function makeManifest(directory: string, choices: ManifestChoices): Promise<ManifestSummary> {
  const paths: string[] = [];
  for await (const path of findAll(directory)) paths.push(path);
  const known = new Set(paths);
  const failures: { path: string; message: string }[] = [];
  const found = new Map<string, ManifestFile>();
  const queue = paths.values();
  const worker = async (): Promise<void> => {
    for (const path of queue) {
      try {
        found.set(path, await describe(directory, path, known, choices));
      } catch (error) {
        failures.push({ path, message: (error as Error).message });
      }
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  const entries = paths.flatMap((path): [string, ManifestFile][] => {
    const file = found.get(path);
    return file === undefined ? [] : [[path, file]];
  });
  return {
    manifest: { files: Object.fromEntries(entries) },
    files: entries.length,
    names: entries.filter(([, { name }]) => name !== undefined).length,
    preloads: entries.reduce((sum, [, { preload }]) => sum + (preload?.length ?? 0), 0),
    failures,
  };
}

async function describe(
  directory: string,
  path: string,
  known: ReadonlySet<string>,
  { prefix, names }: ManifestChoices,
): Promise<ManifestFile> {
  const extension = extname(path);
  const hash = await hashOf(join(directory, path));
  if (PAGES.has(extension.toLowerCase())) {
    // The address of a page is what people and search engines know: it keeps its name.
    const html = await readFile(join(directory, path), "utf8");
    const preload = linksOfPage(html, path, prefix, (each) => known.has(each));
    return preload.length === 0 ? { hash } : { hash, preload };
  }
  const name = `${path.slice(0, path.length - extension.length)}.${hash.slice(0, NAME_DIGITS)}${extension}`;
  // In `.well-known` and for what browsers ask by a fixed name there is nobody who would ask for another one.
  const isFixed = path.startsWith(".well-known/") || FIXED_NAMES.has(path);
  return names && !isFixed && !known.has(name) ? { hash, name } : { hash };
}

const FIXED_NAMES = new Set(["favicon.ico", "robots.txt", "sitemap.xml", "sw.js", "service-worker.js"]);

async function hashOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file, { highWaterMark: 256 * 1024 }))
    hash.update(chunk as Buffer);
  return hash.digest("hex");
}
