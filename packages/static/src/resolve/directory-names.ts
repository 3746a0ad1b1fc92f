/** The names in a directory, as a stream that ends at a bound. */
import { type Dirent, promises as fs } from "node:fs";
import type { DirectoryName } from "./file-system.js";

/** Entries that one trip to the pool brings. */
const BUFFER_ENTRIES = 512;

/** @throws NodeJS.ErrnoException */
export async function readNames(path: string, max: number): Promise<DirectoryName[]> {
  const names: DirectoryName[] = [];
  const directory = await fs.opendir(path, { bufferSize: BUFFER_ENTRIES });
  for await (const entry of directory) {
    names.push({ name: entry.name, kind: kindOf(entry) });
    if (names.length >= max) break;
  }
  return names;
}

function kindOf(entry: Dirent): DirectoryName["kind"] {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "directory";
  if (entry.isSymbolicLink()) return "link";
  const isKnown = entry.isFIFO() || entry.isSocket() || entry.isBlockDevice() || entry.isCharacterDevice();
  return isKnown ? "other" : "unknown";
}
