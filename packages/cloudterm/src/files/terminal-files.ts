import { CloudtermError, shown } from "../errors.js";

export interface FileEntry {
  readonly name: string;
  readonly kind: "file" | "directory" | "other";
  readonly byteLength: number;
  readonly modifiedMs: number;
}

/** A file that is being read. */
export interface OpenFile {
  readonly name: string;
  readonly byteLength: number;
  /** Closed when it was read to its end or left. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

export interface SaveOptions {
  /** More than this is refused, and nothing is left behind. */
  readonly maxBytes: number;
  /** Replaces what is there; default: `TZ_CLOUDTERM_FILE_EXISTS`. */
  readonly overwrite?: boolean | undefined;
}

/**
 * Files beside a terminal: a directory of this machine, the files of an SSH host. A new file is seen under its name when it
 * is whole.
 */
export interface TerminalFiles {
  /** @throws CloudtermError `TZ_CLOUDTERM_NOT_FOUND`, `TZ_CLOUDTERM_FILE` */
  list(path: string): Promise<readonly FileEntry[]>;
  /** @throws CloudtermError `TZ_CLOUDTERM_NOT_FOUND`, `TZ_CLOUDTERM_FILE`, `TZ_CLOUDTERM_FILE_SIZE` */
  read(path: string, maxBytes: number): Promise<OpenFile>;
  /**
   * @returns how many bytes the file has
   * @throws CloudtermError `TZ_CLOUDTERM_FILE`, `TZ_CLOUDTERM_FILE_EXISTS`, `TZ_CLOUDTERM_FILE_SIZE`
   */
  save(path: string, chunks: AsyncIterable<Uint8Array>, options: SaveOptions): Promise<number>;
}

/** Entries of one list; more are not shown. */
export const ENTRIES_MAX = 2000;
const PATH_LENGTH_MAX = 4096;
const NAME_LENGTH_MAX = 255;

/** @throws CloudtermError `TZ_CLOUDTERM_REQUEST` */
export function checkedPath(path: unknown): string {
  if (typeof path === "string" && path.length <= PATH_LENGTH_MAX && !path.includes("\0")) return path;
  throw new CloudtermError(
    "TZ_CLOUDTERM_REQUEST",
    `path is ${shown(path)}; allowed: at most ${PATH_LENGTH_MAX} characters without NUL`,
  );
}

/** A path's directory and the name in it. @throws CloudtermError `TZ_CLOUDTERM_REQUEST` when it names no file */
export function parentAndName(given: string): { readonly parent: string; readonly name: string } {
  const path = checkedPath(given);
  const at = path.lastIndexOf("/");
  const name = path.slice(at + 1);
  if (name === "" || name === "." || name === ".." || Buffer.byteLength(name) > NAME_LENGTH_MAX) {
    throw new CloudtermError("TZ_CLOUDTERM_REQUEST", `path is ${shown(path)}; allowed: the path of a file`);
  }
  return { parent: at < 0 ? "" : at === 0 ? "/" : path.slice(0, at), name };
}

export function tooLarge(maxBytes: number): CloudtermError {
  return new CloudtermError("TZ_CLOUDTERM_FILE_SIZE", `a file may have ${maxBytes} bytes`);
}

/** Directories first, each by name. */
export function sorted(entries: readonly FileEntry[]): readonly FileEntry[] {
  const rank = ({ kind }: FileEntry): number => (kind === "directory" ? 0 : 1);
  return [...entries].sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
}
