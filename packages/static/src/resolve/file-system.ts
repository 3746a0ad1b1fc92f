/**
 * What the engine needs of a directory tree. One root; every path is relative to it, joined by `/`, decoded,
 * with no dot segments; `""` is the root. Containment is the implementation's duty: `open` never hands out a
 * file that the symlink policy does not allow, whatever is renamed or linked meanwhile.
 *
 * ```
 *   sys   openat2(RESOLVE_BENEATH) below a root descriptor   synchronous, no race
 *   node  realpath, then the opened file's own path          asynchronous, every platform
 * ```
 */
import type { MaybePromise } from "../steps.js";

export type SymlinkPolicy = "deny" | "within-root" | "follow";

/** One look at a file. */
export interface FileStatus {
  readonly kind: "file" | "directory" | "other";
  readonly byteLength: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  readonly ctimeSeconds: number;
  readonly ctimeNanoseconds: number;
  readonly device: number;
  readonly inode: number;
  readonly links: number;
}

/**
 * - `"missing"`: no such path, or a file on the way to it
 * - `"outside"`: a symbolic link that the policy refuses
 * - `"forbidden"`: no permission
 * - `"exhausted"`: no descriptors left
 * - `"failed"`: anything else (I/O error)
 */
export type Refusal = "missing" | "outside" | "forbidden" | "exhausted" | "failed";

/** An open regular file. The receiver closes `fd`. */
export interface OpenedFile {
  readonly fd: number;
  readonly status: FileStatus;
  /** A symbolic link was followed below the root: a watch on the path does not see every change. */
  readonly isLinked: boolean;
}

export interface DirectoryName {
  readonly name: string;
  /** As the directory has it: a link is a link, wherever it leads. `"unknown"`: ask the file. */
  readonly kind: "file" | "directory" | "link" | "other" | "unknown";
}

export interface FileSystem {
  /** `open` and `look` never return promises. */
  readonly isSynchronous: boolean;
  /** Opens a regular file; a directory or anything else comes back as its status, unopened. */
  open(path: string): MaybePromise<OpenedFile | FileStatus | Refusal>;
  /**
   * Looks at a path, following links **without** the containment of `open`: good to see whether something
   * changed, never to decide that it may be served.
   */
  look(path: string): MaybePromise<FileStatus | Refusal>;
  /** Looks at an open file. Synchronous: its inode is in memory. */
  lookAt(fd: number): FileStatus | Refusal;
  /**
   * Reads a small file whole into memory that is only good until the next read; `undefined` where that would have
   * to wait: then `read`.
   */
  readBriefly(fd: number, byteLength: number): Uint8Array | undefined;
  /** Reads until `target` is full or the file ends; how many bytes came, or -1 on an error. */
  read(fd: number, target: Uint8Array, offset: number): MaybePromise<number>;
  /** What is in a directory, up to `max` names in no order; contained as `open` is. */
  names(path: string, max: number): MaybePromise<readonly DirectoryName[] | Refusal>;
  closeFile(fd: number): void;
  /** A change was seen below the root or of the root itself: what is remembered of the root is looked up anew. */
  forgetRoot(): void;
  /** Lets the root go. */
  close(): void;
}

export function isOpened(found: OpenedFile | FileStatus): found is OpenedFile {
  return "fd" in found;
}

/** The same file with the same content, as far as the file system can tell. */
export function isSame(a: FileStatus, b: FileStatus): boolean {
  return (
    a.mtimeNanoseconds === b.mtimeNanoseconds &&
    a.mtimeSeconds === b.mtimeSeconds &&
    a.byteLength === b.byteLength &&
    a.inode === b.inode &&
    a.ctimeNanoseconds === b.ctimeNanoseconds &&
    a.ctimeSeconds === b.ctimeSeconds &&
    a.device === b.device &&
    a.kind === b.kind
  );
}
