/**
 * Files. The hot calls return a result or a negative errno, as the kernel does. Offsets are Numbers and
 * exact up to 2^53. Paths are text or bytes; a NUL inside gives `-EINVAL`, 4096 bytes `-ENAMETOOLONG`.
 */
import { checked, checkRange, checkVector } from "./address-check.js";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  O_CLOEXEC,
  O_PATH,
  RESOLVE_BENEATH,
  STATX_BASIC_STATS,
} from "./constants.js";
import { orThrow } from "./errors.js";
import { bind, errnoCell, find, support, syscall } from "./native.js";
import {
  emptyPathAddress,
  PATH_BYTES,
  type Path,
  pathAddress,
  pathBuffer,
  scratchAddress,
  scratchWords,
  writePath,
  writePathOrThrow,
  writePathRange,
} from "./scratch.js";
import { STAT_BYTES, type StatBuffer } from "./stat-buffer.js";
import { SYSCALL_NUMBER } from "./syscall-number.js";

const nativeOpen = bind("int openat(int, intptr_t, int, uint32_t)");
const nativeClose = bind("int close(int)");
const nativeRead = bind("intptr_t read(int, intptr_t, size_t)");
const nativeWrite = bind("intptr_t write(int, intptr_t, size_t)");
const nativeReadAt = bind("intptr_t pread(int, intptr_t, size_t, int64_t)");
const nativeWriteAt = bind("intptr_t pwrite(int, intptr_t, size_t, int64_t)");
const nativeReadVectorAt = find("intptr_t preadv2(int, intptr_t, int, int64_t, int)");
const nativeSendFile = bind("intptr_t sendfile(int, int, intptr_t, size_t)");
const nativeAdvise = bind("int posix_fadvise(int, int64_t, int64_t, int)");
const nativeStat = find("int statx(int, intptr_t, int, uint32_t, intptr_t)");
const nativeReadLink = bind("intptr_t readlinkat(int, intptr_t, intptr_t, size_t)");

/** Opens a file. Add `O_CLOEXEC`, or child processes inherit the descriptor. @returns it, or a negative errno */
export function openat(dirFd: number, path: Path, flags: number, mode = 0): number {
  const bad = writePath(path);
  if (bad !== 0) return bad;
  const fd = nativeOpen(dirFd, pathAddress, flags, mode);
  return fd === -1 ? -errnoCell[0]! : fd;
}

/**
 * Opens a file with rules for how its path may resolve (`RESOLVE_*`), kept by the kernel without a race.
 * @returns the descriptor or a negative errno: `-EXDEV` for a path that leaves `dirFd` under
 * `RESOLVE_BENEATH`, `-ELOOP` for a symbolic link under `RESOLVE_NO_SYMLINKS`, `-EAGAIN` when a rename made
 * the kernel unsure (call again), `-ENOSYS` or `-EPERM` where {@link hasOpenat2} is false
 */
export function openat2(dirFd: number, path: Path, flags: number, resolve: number, mode = 0): number {
  const bad = writePath(path);
  return bad !== 0 ? bad : openHow(dirFd, flags, resolve, mode);
}

/**
 * {@link openat2} for a path that is `bytes[start, end)`: no string and no view is made of it.
 * @returns as {@link openat2}
 */
export function openat2Range(
  dirFd: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  flags: number,
  resolve: number,
): number {
  const bad = writePathRange(bytes, start, end);
  return bad !== 0 ? bad : openHow(dirFd, flags, resolve, 0);
}

/** Opens what {@link writePath} wrote. */
function openHow(dirFd: number, flags: number, resolve: number, mode: number): number {
  // struct open_how: flags, mode, resolve, each 64 bits; no flag is above bit 31.
  scratchWords[0] = flags;
  scratchWords[1] = 0;
  scratchWords[2] = mode;
  scratchWords[3] = 0;
  scratchWords[4] = resolve;
  scratchWords[5] = 0;
  const fd = syscall(SYSCALL_NUMBER.openat2, dirFd, pathAddress, scratchAddress, 24, 0, 0);
  return fd === -1 ? -errnoCell[0]! : fd;
}

let openat2Works: boolean | undefined;

/** Whether openat2 works here: it needs Linux 5.6, and old container sandboxes refuse what they do not know. */
export function hasOpenat2(): boolean {
  if (openat2Works === undefined) {
    const fd = support.supported ? openat2(AT_FDCWD, ".", O_PATH | O_CLOEXEC, RESOLVE_BENEATH) : -1;
    if (fd >= 0) close(fd);
    openat2Works = fd >= 0;
  }
  return openat2Works;
}

/** Closes a descriptor. Never call it again on an error: the descriptor is gone. @returns 0 or a negative errno */
export function close(fd: number): number {
  return nativeClose(fd) === -1 ? -errnoCell[0]! : 0;
}

/** Reads up to `length` bytes. @returns their number, 0 at the end, or a negative errno */
export const read: (fd: number, address: number, length: number) => number = checked(
  (fd: number, address: number, length: number): number => {
    const count = nativeRead(fd, address, length);
    return count === -1 ? -errnoCell[0]! : count;
  },
  (_fd, address, length) => checkRange("read", address, length),
);

/** Writes up to `length` bytes. @returns how many were taken, or a negative errno */
export const write: (fd: number, address: number, length: number) => number = checked(
  (fd: number, address: number, length: number): number => {
    const count = nativeWrite(fd, address, length);
    return count === -1 ? -errnoCell[0]! : count;
  },
  (_fd, address, length) => checkRange("write", address, length),
);

/** Reads at a file offset. @returns the bytes read, 0 at the end, or a negative errno */
export const pread: (fd: number, address: number, length: number, offset: number) => number = checked(
  (fd: number, address: number, length: number, offset: number): number => {
    const count = nativeReadAt(fd, address, length, offset);
    return count === -1 ? -errnoCell[0]! : count;
  },
  (_fd, address, length) => checkRange("pread", address, length),
);

/** Writes at a file offset. @returns the bytes written, or a negative errno */
export const pwrite: (fd: number, address: number, length: number, offset: number) => number = checked(
  (fd: number, address: number, length: number, offset: number): number => {
    const count = nativeWriteAt(fd, address, length, offset);
    return count === -1 ? -errnoCell[0]! : count;
  },
  (_fd, address, length) => checkRange("pwrite", address, length),
);

/**
 * Reads into an iovec array at a file offset (-1: the file's position) with `RWF_*` flags: `RWF_NOWAIT`
 * gives `-EAGAIN` instead of waiting for the disk.
 * @returns the bytes read, 0 at the end, or a negative errno
 */
export const preadv2: (
  fd: number,
  vectorAddress: number,
  count: number,
  offset: number,
  flags: number,
) => number = checked(
  nativeReadVectorAt === undefined
    ? (fd: number, vectorAddress: number, count: number, offset: number, flags: number): number => {
        const read = syscall(SYSCALL_NUMBER.preadv2, fd, vectorAddress, count, offset, 0, flags);
        return read === -1 ? -errnoCell[0]! : read;
      }
    : (fd: number, vectorAddress: number, count: number, offset: number, flags: number): number => {
        const read = nativeReadVectorAt(fd, vectorAddress, count, offset, flags);
        return read === -1 ? -errnoCell[0]! : read;
      },
  (_fd, vectorAddress, count) => checkVector("preadv2", vectorAddress, count),
);

/**
 * Sends up to `length` bytes of a file from `offset`, without copying them through this process.
 * @returns how many were taken, 0 at the end of the file, or a negative errno
 */
export function sendfile(outFd: number, inFd: number, offset: number, length: number): number {
  scratchWords[0] = offset;
  scratchWords[1] = Math.floor(offset / 4294967296);
  const count = nativeSendFile(outFd, inFd, scratchAddress, length);
  return count === -1 ? -errnoCell[0]! : count;
}

/** Announces how a range of a file will be read (`POSIX_FADV_*`); length 0 is to the end. @returns 0 or a negative errno */
export function fadvise(fd: number, offset: number, length: number, advice: number): number {
  // This one call returns its error instead of setting errno. Subtracted, so that success is 0 and not -0.
  return 0 - nativeAdvise(fd, offset, length, advice);
}

function checkStat(stat: StatBuffer): void {
  checkRange("statx", stat.address, STAT_BYTES);
}

const callStat =
  nativeStat ??
  ((dirFd: number, path: number, flags: number, mask: number, address: number): number =>
    syscall(SYSCALL_NUMBER.statx, dirFd, path, flags, mask, address, 0));

/** Fills `stat` for a path (`AT_*` flags). @returns 0 or a negative errno */
export const statx: (dirFd: number, path: Path, atFlags: number, stat: StatBuffer) => number = checked(
  (dirFd: number, path: Path, atFlags: number, stat: StatBuffer): number => {
    const bad = writePath(path);
    if (bad !== 0) return bad;
    return callStat(dirFd, pathAddress, atFlags, STATX_BASIC_STATS, stat.address) === -1 ? -errnoCell[0]! : 0;
  },
  (_dirFd, _path, _atFlags, stat) => checkStat(stat),
);

/** Fills `stat` for an open file. @returns 0 or a negative errno */
export const fstat: (fd: number, stat: StatBuffer) => number = checked(
  (fd: number, stat: StatBuffer): number => {
    return callStat(fd, emptyPathAddress, AT_EMPTY_PATH, STATX_BASIC_STATS, stat.address) === -1
      ? -errnoCell[0]!
      : 0;
  },
  (_fd, stat) => checkStat(stat),
);

/**
 * Where a symbolic link points; `""` reads the link that an `O_PATH` descriptor names.
 * @throws SysError (EINVAL: not a link), BadArgumentError for a path with a NUL
 */
export function readlinkat(dirFd: number, path: Path): string {
  writePathOrThrow(path, "readlinkat");
  // The target may overwrite the path: the kernel has copied it by then.
  const result = nativeReadLink(dirFd, pathAddress, pathAddress, PATH_BYTES);
  const length = orThrow(result === -1 ? -errnoCell[0]! : result, "readlinkat");
  return pathBuffer.toString("utf8", 0, length);
}
