import { readdir, stat } from "node:fs/promises";
import { extname, join } from "node:path";

/** A file that is worth compressing. */
export interface SourceFile {
  readonly path: string;
  readonly byteLength: number;
  readonly mtimeMs: number;
}

/** Extensions of types that shrink. Images, video, archives and WOFF fonts are compressed already. */
const EXTENSIONS = new Set(
  (
    "atom bmp cjs css csv eot geojson htm html ico ics js json jsonld map md mjs otf rss svg text tsv ttf txt " +
    "vtt wasm webmanifest xhtml xml yaml yml"
  ).split(" "),
);

/** By the extension. */
export function isCompressible(name: string): boolean {
  return EXTENSIONS.has(extname(name).slice(1).toLowerCase());
}

/** Below this a form saves less than its own head costs. */
const MIN_BYTES = 1024;

/**
 * All files below a directory that are worth compressing, in the order of their names. Names that begin with a dot
 * (but `.well-known`) and symbolic links are left out: the server does not serve them as they stand.
 */
export async function* findFiles(directory: string): AsyncGenerator<SourceFile> {
  const entries = await readdir(directory, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (entry.name.startsWith(".") && entry.name !== ".well-known") continue;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      yield* findFiles(path);
    } else if (entry.isFile() && isCompressible(entry.name)) {
      const { size, mtimeMs } = await stat(path);
      if (size >= MIN_BYTES) yield { path, byteLength: size, mtimeMs };
    }
  }
}
