/**
 * The tree through `node:fs`, for every platform.
 *
 * Containment: the real path of what was asked must lie below the real root; that real path is opened without
 * following a last link; and on Linux the opened file is asked for its own path (`/proc/self/fd`), which closes
 * the gap between check and open. Elsewhere a directory that is swapped for a link within that gap is noticed
 * only when its real path has changed by the time of the second look.
 */
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { readNames } from "./directory-names.js";
import type {
  DirectoryName,
  FileStatus,
  FileSystem,
  OpenedFile,
  Refusal,
  SymlinkPolicy,
} from "./file-system.js";

const openFile = promisify(fs.open);
const statPath = promisify(fs.stat) as (path: string, options: { bigint: true }) => Promise<fs.BigIntStats>;
const statFile = promisify(fs.fstat) as (fd: number, options: { bigint: true }) => Promise<fs.BigIntStats>;
const realPath = promisify(fs.realpath.native);
const readFile = promisify(fs.read) as (
  fd: number,
  buffer: Uint8Array,
  offset: number,
  length: number,
  position: number,
) => Promise<{ bytesRead: number }>;
const readLink = promisify(fs.readlink) as (path: string) => Promise<string>;

/** Not defined on Windows, where no open blocks on a pipe in the tree. */
const { O_RDONLY, O_NONBLOCK = 0, O_NOFOLLOW = 0, O_NOCTTY = 0 } = fs.constants;
const OPEN_FLAGS = O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY;
const FOLLOW_FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY;

export class NodeFileSystem implements FileSystem {
  readonly isSynchronous = false;
  readonly #root: string;
  readonly #policy: SymlinkPolicy;

  /** @param root absolute; it may itself be a link, which is followed anew each time */
  constructor(root: string, policy: SymlinkPolicy) {
    this.#root = path.resolve(root);
    this.#policy = policy;
  }

  async open(relative: string): Promise<OpenedFile | FileStatus | Refusal> {
    try {
      const real = await this.#contained(relative);
      if (typeof real !== "object") return real;
      const status = statusOf(await statPath(real.path, { bigint: true }));
      // Only regular files are ever opened: opening a pipe wakes its writer.
      if (status.kind !== "file") return status;
      const fd = await openFile(real.path, this.#policy === "follow" ? FOLLOW_FLAGS : OPEN_FLAGS);
      try {
        const opened = statusOf(await statFile(fd, { bigint: true }));
        if (opened.kind === "file" && (await this.#isStillContained(fd, real, opened))) {
          return { fd, status: opened, isLinked: real.isLinked };
        }
      } catch (error) {
        fs.closeSync(fd);
        throw error;
      }
      fs.closeSync(fd);
      return "outside";
    } catch (error) {
      return refusalOf(error);
    }
  }

  async look(relative: string): Promise<FileStatus | Refusal> {
    try {
      return statusOf(await statPath(path.join(this.#root, relative), { bigint: true }));
    } catch (error) {
      return refusalOf(error);
    }
  }

  lookAt(fd: number): FileStatus | Refusal {
    try {
      return statusOf(fs.fstatSync(fd, { bigint: true }));
    } catch (error) {
      return refusalOf(error);
    }
  }

  readBriefly(): undefined {
    return undefined;
  }

  async read(fd: number, target: Uint8Array, offset: number): Promise<number> {
    try {
      let filled = 0;
      while (filled < target.byteLength) {
        const { bytesRead } = await readFile(fd, target, filled, target.byteLength - filled, offset + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return filled;
    } catch {
      return -1;
    }
  }

  async names(relative: string, max: number): Promise<readonly DirectoryName[] | Refusal> {
    try {
      const real = await this.#contained(relative);
      return typeof real === "object" ? await readNames(real.path, max) : real;
    } catch (error) {
      return refusalOf(error);
    }
  }

  closeFile(fd: number): void {
    fs.close(fd, () => {});
  }

  /** Nothing is remembered: every open starts at the root's path. */
  forgetRoot(): void {}

  close(): void {}

  /** The real path, if the policy allows it. */
  async #contained(relative: string): Promise<ContainedPath | Refusal> {
    const asked = path.join(this.#root, relative);
    if (this.#policy === "follow") return { root: this.#root, path: asked, isLinked: true };
    const root = await realPath(this.#root);
    const real = await realPath(asked);
    if (!isBelow(real, root)) return "outside";
    const isLinked = !isSamePath(real, path.join(root, relative));
    return isLinked && this.#policy === "deny" ? "outside" : { root, path: real, isLinked };
  }

  async #isStillContained(fd: number, real: ContainedPath, opened: FileStatus): Promise<boolean> {
    if (this.#policy === "follow") return true;
    if (process.platform === "linux") {
      const own = await readLink(`/proc/self/fd/${fd}`).catch(() => undefined);
      // Unlinked or renamed while we looked: not where it was, so not provably ours.
      if (own !== undefined) return own === real.path;
    }
    const again = statusOf(await statPath(await realPath(real.path), { bigint: true }));
    return again.inode === opened.inode && again.device === opened.device;
  }
}

interface ContainedPath {
  readonly root: string;
  readonly path: string;
  readonly isLinked: boolean;
}

function isBelow(file: string, root: string): boolean {
  return file === root || file.startsWith(root.endsWith(path.sep) ? root : root + path.sep);
}

/** `realpath` gives the case that is on disk; on a case-insensitive volume that is not a link. */
function isSamePath(a: string, b: string): boolean {
  return process.platform === "win32" || process.platform === "darwin"
    ? a.normalize("NFC").toLowerCase() === b.normalize("NFC").toLowerCase()
    : a === b;
}

const BILLION = 1_000_000_000n;

function statusOf(stats: fs.BigIntStats): FileStatus {
  return {
    kind: stats.isFile() ? "file" : stats.isDirectory() ? "directory" : "other",
    byteLength: Number(stats.size),
    mtimeSeconds: Number(floorDivide(stats.mtimeNs)),
    mtimeNanoseconds: Number(((stats.mtimeNs % BILLION) + BILLION) % BILLION),
    ctimeSeconds: Number(floorDivide(stats.ctimeNs)),
    ctimeNanoseconds: Number(((stats.ctimeNs % BILLION) + BILLION) % BILLION),
    device: Number(stats.dev),
    inode: Number(stats.ino),
    links: Number(stats.nlink),
  };
}

/** Times before 1970 are negative; seconds round down. */
function floorDivide(ns: bigint): bigint {
  return ns >= 0n || ns % BILLION === 0n ? ns / BILLION : ns / BILLION - 1n;
}

function refusalOf(error: unknown): Refusal {
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOENT":
    case "ENOTDIR":
    case "ENAMETOOLONG":
    case "EINVAL":
      return "missing";
    case "ELOOP":
      return "outside";
    case "EACCES":
    case "EPERM":
      return "forbidden";
    case "EMFILE":
    case "ENFILE":
      return "exhausted";
    default:
      return "failed";
  }
}
