/**
 * The tree through system calls, on Linux with `openat2`: every open starts at a descriptor of the root and the
 * kernel refuses to leave it, so there is no gap between check and open, whatever is swapped meanwhile.
 * Synchronous: an open and a look cost a few microseconds, less than a trip to the thread pool. What may have
 * to wait for the disk is read without waiting first (`RWF_NOWAIT`), and on the pool when it is not resident.
 */
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import {
  AT_FDCWD,
  close,
  ERRNO,
  fstat,
  IoVector,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOCTTY,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  openat,
  openat2,
  openat2Range,
  preadv2,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  Region,
  RWF_NOWAIT,
  StatBuffer,
  statx,
} from "@tz/sys";
import { readNames } from "./directory-names.js";
import type {
  DirectoryName,
  FileStatus,
  FileSystem,
  OpenedFile,
  Refusal,
  SymlinkPolicy,
} from "./file-system.js";

const readFile = promisify(fs.read) as (
  fd: number,
  buffer: Uint8Array,
  offset: number,
  length: number,
  position: number,
) => Promise<{ bytesRead: number }>;

/** `O_NONBLOCK`: opening a pipe must not wait for its writer; what is no regular file is closed at once. */
const FILE_FLAGS = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
const CONTAINED = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
const DIRECTORY_FLAGS = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
const ROOT_FLAGS = O_PATH | O_DIRECTORY | O_CLOEXEC;

/** How often the kernel may say that a rename made it unsure before we believe that someone does it on purpose. */
const UNSURE_MAX = 8;

/** The widest read that is tried on the loop's own thread: what is resident arrives in about 25 µs. */
const SYNC_READ_BYTES = 256 * 1024;

const EMPTY = new Uint8Array(0);

/**
 * What the kernel writes into, one for all mounts of this thread and never given back: calls are synchronous, so
 * nobody else writes between a call and the reading of it, and a file that is still being sent may be looked at
 * after its mount was closed.
 */
class KernelBuffers {
  readonly stat = new StatBuffer();
  readonly scratch = Region.allocate(SYNC_READ_BYTES);
  readonly vector = new IoVector(1);
}

let shared: KernelBuffers | undefined;

export interface SysFileSystemOptions {
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  /** The root path is looked up anew when it was last seen longer ago: it may be a link that is flipped. */
  readonly rootCheckMs: number;
}

export class SysFileSystem implements FileSystem {
  readonly isSynchronous = true;
  readonly #root: string;
  readonly #policy: SymlinkPolicy;
  readonly #options: SysFileSystemOptions;
  readonly #stat: StatBuffer;
  readonly #scratch: Region;
  readonly #vector: IoVector;
  #isClosed = false;
  #rootFd = -1;
  #rootDevice = -1;
  #rootInode = -1;
  #rootSeenMs = Number.NEGATIVE_INFINITY;

  constructor(root: string, policy: SymlinkPolicy, options: SysFileSystemOptions) {
    this.#root = path.resolve(root);
    this.#policy = policy;
    this.#options = options;
    shared ??= new KernelBuffers();
    this.#stat = shared.stat;
    this.#scratch = shared.scratch;
    this.#vector = shared.vector;
  }

  open(relative: string): OpenedFile | FileStatus | Refusal {
    let isLinked = false;
    let fd = this.#openContained(relative, FILE_FLAGS, RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH);
    if (fd === -ERRNO.ELOOP && this.#policy !== "deny") {
      isLinked = true;
      fd = this.#openLinked(relative, FILE_FLAGS);
    }
    if (fd < 0) return refusalOf(fd);
    const result = fstat(fd, this.#stat);
    if (result < 0 || !this.#stat.isFile) {
      close(fd);
      return result < 0 ? refusalOf(result) : this.#status();
    }
    return { fd, status: this.#status(), isLinked };
  }

  look(relative: string): FileStatus | Refusal {
    const result = statx(AT_FDCWD, relative === "" ? this.#root : `${this.#root}/${relative}`, 0, this.#stat);
    return result < 0 ? refusalOf(result) : this.#status();
  }

  lookAt(fd: number): FileStatus | Refusal {
    const result = fstat(fd, this.#stat);
    return result < 0 ? refusalOf(result) : this.#status();
  }

  /**
   * Reads a file that no link leads to straight into memory of the caller, if its pages are resident and it is
   * smaller than `capacity`. What it was is in {@link lastStatus} then.
   *
   * It is looked at once, after it was read: a change meanwhile would show in its `ctime`.
   * @param bytes holds the path below the root at `[start, end)`
   * @returns its length; or -1, with nothing open, when it takes more than that
   */
  readAtOnce(bytes: Uint8Array, start: number, end: number, address: number, capacity: number): number {
    const rootFd = this.#rootDescriptor();
    if (rootFd < 0) return -1;
    const fd = openat2Range(rootFd, bytes, start, end, FILE_FLAGS, CONTAINED);
    if (fd < 0) return -1;
    this.#vector.set(0, address, capacity);
    const count = preadv2(fd, this.#vector.address, 1, 0, RWF_NOWAIT);
    const isRead = count >= 0 && count < capacity && fstat(fd, this.#stat) === 0;
    close(fd);
    return isRead && this.#stat.isFile && this.#stat.size === count ? count : -1;
  }

  /** What the last call saw; the next one overwrites it. */
  get lastStatus(): StatBuffer {
    return this.#stat;
  }

  readBriefly(fd: number, byteLength: number): Uint8Array | undefined {
    if (byteLength === 0) return EMPTY;
    if (byteLength > SYNC_READ_BYTES) return undefined;
    this.#vector.set(0, this.#scratch.address, byteLength);
    const count = preadv2(fd, this.#vector.address, 1, 0, RWF_NOWAIT);
    return count === byteLength ? this.#scratch.bytes.subarray(0, byteLength) : undefined;
  }

  read(fd: number, target: Uint8Array, offset: number): Promise<number> {
    return readOnPool(fd, target, offset);
  }

  async names(relative: string, max: number): Promise<readonly DirectoryName[] | Refusal> {
    let fd = this.#openContained(relative, DIRECTORY_FLAGS, RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH);
    if (fd === -ERRNO.ELOOP && this.#policy !== "deny") fd = this.#openLinked(relative, DIRECTORY_FLAGS);
    if (fd < 0) return refusalOf(fd);
    try {
      return await readNames(`/proc/self/fd/${fd}`, max);
    } catch {
      return "failed";
    } finally {
      close(fd);
    }
  }

  closeFile(fd: number): void {
    close(fd);
  }

  close(): void {
    if (this.#rootFd >= 0) close(this.#rootFd);
    this.#rootFd = -1;
    this.#isClosed = true;
  }

  /** After a change was seen anywhere, the next open must not use an old root. */
  forgetRoot(): void {
    this.#rootSeenMs = Number.NEGATIVE_INFINITY;
  }

  #openContained(relative: string, flags: number, resolve: number): number {
    const rootFd = this.#rootDescriptor();
    if (rootFd < 0) return rootFd;
    let fd = 0;
    for (let i = 0; i < UNSURE_MAX; i++) {
      fd = openat2(rootFd, relative === "" ? "." : relative, flags, resolve | RESOLVE_NO_MAGICLINKS);
      if (fd !== -ERRNO.EAGAIN) return fd;
    }
    return fd;
  }

  /** A symbolic link is on the way and the policy does not forbid all of them. */
  #openLinked(relative: string, flags: number): number {
    if (this.#policy === "follow") return openat(this.#rootDescriptor(), relative, flags);
    const fd = this.#openContained(relative, flags, RESOLVE_BENEATH);
    if (fd !== -ERRNO.EXDEV) return fd;
    // The kernel refuses absolute links even when they stay inside. Where does this one lead? The answer is
    // only a name: opening it is contained again, and may meet no further link.
    try {
      const below = path.relative(fs.realpathSync(this.#root), fs.realpathSync(`${this.#root}/${relative}`));
      if (below === ".." || below.startsWith("../")) return -ERRNO.EXDEV;
      return this.#openContained(below, flags, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
    } catch {
      return -ERRNO.EXDEV;
    }
  }

  #rootDescriptor(): number {
    if (this.#isClosed) return -ERRNO.EBADF;
    const now = this.#options.now();
    if (this.#rootFd >= 0 && now - this.#rootSeenMs < this.#options.rootCheckMs) return this.#rootFd;
    const result = statx(AT_FDCWD, this.#root, 0, this.#stat);
    if (result < 0) return result;
    this.#rootSeenMs = now;
    const { dev, ino } = this.#stat;
    if (this.#rootFd >= 0 && dev === this.#rootDevice && ino === this.#rootInode) return this.#rootFd;
    const fd = openat(AT_FDCWD, this.#root, ROOT_FLAGS);
    if (fd < 0) return fd;
    if (this.#rootFd >= 0) close(this.#rootFd);
    this.#rootFd = fd;
    this.#rootDevice = dev;
    this.#rootInode = ino;
    return fd;
  }

  #status(): FileStatus {
    const stat = this.#stat;
    return {
      kind: stat.isFile ? "file" : stat.isDirectory ? "directory" : "other",
      byteLength: stat.size,
      mtimeSeconds: stat.mtimeSec,
      mtimeNanoseconds: stat.mtimeNsec,
      ctimeSeconds: stat.ctimeSec,
      ctimeNanoseconds: stat.ctimeNsec,
      device: stat.dev,
      inode: stat.ino,
      links: stat.nlink,
    };
  }
}

async function readOnPool(fd: number, target: Uint8Array, offset: number): Promise<number> {
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

function refusalOf(result: number): Refusal {
  switch (-result) {
    case ERRNO.ENOENT:
    case ERRNO.ENOTDIR:
    case ERRNO.ENAMETOOLONG:
    case ERRNO.EINVAL:
    // A socket, or a pipe's twin without a reader.
    case ERRNO.ENXIO:
    case ERRNO.ENODEV:
      return "missing";
    case ERRNO.ELOOP:
    case ERRNO.EXDEV:
    case ERRNO.EAGAIN:
      return "outside";
    case ERRNO.EACCES:
    case ERRNO.EPERM:
      return "forbidden";
    case ERRNO.EMFILE:
    case ERRNO.ENFILE:
      return "exhausted";
    default:
      return "failed";
  }
}
