import { readdir } from "node:fs/promises";
import { join } from "node:path";

const SIDECAR = /\.(?:br|zst|gz)$/;

/**
 * The paths of all files below a directory, joined by `/`, in the order of their names. Left out is what the server
 * does not serve as it stands: names that begin with a dot (but `.well-known`), symbolic links, and compressed forms
 * that stand beside their file.
 */
export async function* findAll(directory: string, below = ""): AsyncGenerator<string> {
  const entries = await readdir(join(directory, below), { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const names = new Set(entries.map(({ name }) => name));
  for (const entry of entries) {
    const { name } = entry;
    if (name.startsWith(".") && !(below === "" && name === ".well-known")) continue;
    const path = below === "" ? name : `${below}/${name}`;
    if (entry.isDirectory()) yield* findAll(directory, path);
    else if (entry.isFile() && !(SIDECAR.test(name) && names.has(name.replace(SIDECAR, "")))) yield path;
  }
}
