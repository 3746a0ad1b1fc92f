import { checked, checkRange } from "./address-check.js";
import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_READ,
  PROT_WRITE,
} from "./constants.js";
import { BadArgumentError, orThrow } from "./errors.js";
import { bind, errnoCell, viewOf } from "./native.js";
import { Region } from "./region.js";
import { type Path, pathAddress, writePathOrThrow } from "./scratch.js";

const nativeMap = bind("intptr_t mmap(intptr_t, size_t, int, int, int, int64_t)");
const nativeUnmap = bind("int munmap(intptr_t, size_t)");
const nativeAdvise = bind("int madvise(intptr_t, size_t, int)");
const nativeMemoryFile = bind("int memfd_create(intptr_t, uint32_t)");
const nativeTruncate = bind("int ftruncate(int, int64_t)");

export interface MapOptions {
  /** A file; absent for memory that no file backs. */
  readonly fd?: number;
  readonly byteLength: number;
  /** Where in the file, a multiple of the page size. Default 0. */
  readonly offset?: number;
  /**
   * `PROT_*`. Default reading and writing. JavaScript that writes to a mapping without `PROT_WRITE`, or
   * touches pages beyond the end of a file that became shorter, kills the process.
   */
  readonly protection?: number;
  /** `MAP_*`. Default `MAP_SHARED` for a file, `MAP_PRIVATE | MAP_ANONYMOUS` without one. */
  readonly flags?: number;
}

/**
 * Maps a file or fresh memory. `release()` of the region gives the memory back at once. JavaScript may still
 * hold views of it: these then see zeros, and their address range is given back when the last one is collected.
 * @throws SysError (ENOMEM, EACCES, …), BadArgumentError for a length that is not a positive integer
 */
export function mmap(options: MapOptions): Region {
  const { byteLength, fd, offset = 0, protection = PROT_READ | PROT_WRITE } = options;
  const flags = options.flags ?? (fd === undefined ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED);
  if (!Number.isSafeInteger(byteLength) || byteLength < 1) {
    throw new BadArgumentError("mmap", "byteLength", byteLength, "a positive integer");
  }
  if ((flags & MAP_FIXED) !== 0) {
    throw new BadArgumentError(
      "mmap",
      "flags",
      flags,
      "without MAP_FIXED: it replaces memory that is in use",
    );
  }
  const address = map(0, byteLength, protection, flags, fd ?? -1, offset);
  const buffer = viewOf(address, byteLength);
  return new Region(new Uint8Array(buffer), address, () => {
    vacate(address, byteLength);
    abandoned.register(buffer, { address, byteLength });
  });
}

function map(
  address: number,
  byteLength: number,
  protection: number,
  flags: number,
  fd: number,
  offset: number,
): number {
  const result = nativeMap(address, byteLength, protection, flags, fd, offset);
  return orThrow(result === -1 ? -errnoCell[0]! : result, "mmap");
}

/**
 * Puts untouched anonymous pages in the place of a mapping. Unmapping it while a JavaScript view exists would
 * make the next access a segmentation fault or, worse, an access to whatever is mapped there next.
 */
function vacate(address: number, byteLength: number): void {
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
  map(address, byteLength, PROT_READ | PROT_WRITE, flags, -1, 0);
}

const abandoned = new FinalizationRegistry<{ address: number; byteLength: number }>((range) => {
  nativeUnmap(range.address, range.byteLength);
});

/** Announces the use of pages (`MADV_*`); the address must be page-aligned. @returns 0 or a negative errno */
export const madvise: (address: number, length: number, advice: number) => number = checked(
  (address: number, length: number, advice: number): number =>
    nativeAdvise(address, length, advice) === -1 ? -errnoCell[0]! : 0,
  (address, length) => checkRange("madvise", address, length),
);

/** A file in memory without a place in the file system (`MFD_*`); processes that inherit it share it. @throws SysError */
export function memfdCreate(name: Path, flags: number): number {
  writePathOrThrow(name, "memfd_create");
  const fd = nativeMemoryFile(pathAddress, flags);
  return orThrow(fd === -1 ? -errnoCell[0]! : fd, "memfd_create");
}

/** Sets a file's length. @throws SysError */
export function ftruncate(fd: number, byteLength: number): void {
  const result = nativeTruncate(fd, byteLength);
  orThrow(result === -1 ? -errnoCell[0]! : result, "ftruncate");
}
