import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { isCompressible } from "./find-files.js";

/** Of every coding, also of one that this Node cannot write. */
const SUFFIX = /\.(?:br|zst|gz)$/;

/**
 * Compressed forms below a directory whose file is gone, in the order of their names: they are served in its place.
 * Only names that `precompress` gives are meant (`app.js.br`), so that archives are none (`backup.tar.gz`).
 */
export async function* findOrphans(directory: string): AsyncGenerator<string> {
  const entries = await readdir(directory, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const names = new Set(entries.map(({ name }) => name));
  for (const entry of entries) {
    if (entry.name.startsWith(".") && entry.name !== ".well-known") continue;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      yield* findOrphans(path);
    } else if (entry.isFile() && SUFFIX.test(entry.name)) {
      const source = entry.name.replace(SUFFIX, "");
      if (isCompressible(source) && !names.has(source)) yield path;
    }
  }
}
