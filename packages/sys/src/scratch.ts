/**
 * One small region of our own for the structures and paths that a single call passes to the kernel. Calls
 * are synchronous and each thread has its own copy of this module, so nobody else writes between filling
 * it and the call.
 *
 * ```
 *   0          256                     4352
 *   [ structs | path, NUL-terminated | "" ]
 * ```
 */
import { ERRNO } from "./errno.js";
import { BadArgumentError, SysError } from "./errors.js";
import { support } from "./native.js";
import { Region } from "./region.js";

const STRUCT_BYTES = 256;
/** PATH_MAX, its NUL included. */
export const PATH_BYTES = 4096;

const region = support.supported ? Region.allocate(STRUCT_BYTES + PATH_BYTES + 1) : undefined;

/** Where the structures go; 0 when nothing is supported (the call throws before it is used). */
export const scratchAddress: number = region?.address ?? 0;
export const scratchView: DataView = region?.view ?? new DataView(new ArrayBuffer(STRUCT_BYTES));
export const scratchWords: Uint32Array = region?.u32 ?? new Uint32Array(STRUCT_BYTES / 4);

/** Where {@link writePath} puts a path. */
export const pathAddress: number = scratchAddress + STRUCT_BYTES;
export const pathBuffer: Buffer =
  region === undefined
    ? Buffer.alloc(PATH_BYTES)
    : Buffer.from(region.bytes.buffer, region.bytes.byteOffset + STRUCT_BYTES, PATH_BYTES);

/** A path of no characters that nobody overwrites: "the descriptor itself" for calls with AT_EMPTY_PATH. */
export const emptyPathAddress: number = pathAddress + PATH_BYTES;

/** A path: text, or bytes where a name is not valid UTF-8. */
export type Path = string | Uint8Array;

/**
 * Writes a path with its NUL to `pathAddress`.
 * @returns 0; `-ENAMETOOLONG`; `-EINVAL` for a NUL inside, which would cut the path
 */
export function writePath(path: Path): number {
  if (typeof path !== "string") return writePathBytes(path);
  const length = path.length;
  if (length >= PATH_BYTES) return -ERRNO.ENAMETOOLONG;
  // Most paths are short and ASCII; for these a loop costs less than one call of Buffer.write.
  for (let i = 0; i < length; i++) {
    const code = path.charCodeAt(i);
    if (code === 0) return -ERRNO.EINVAL;
    if (code > 0x7f) return writePathBytes(Buffer.from(path));
    pathBuffer[i] = code;
  }
  pathBuffer[length] = 0;
  return 0;
}

function writePathBytes(path: Uint8Array): number {
  if (path.byteLength >= PATH_BYTES) return -ERRNO.ENAMETOOLONG;
  if (path.includes(0)) return -ERRNO.EINVAL;
  pathBuffer.set(path);
  pathBuffer[path.byteLength] = 0;
  return 0;
}

/** {@link writePath} for a path that is part of other bytes, as a request lies in memory. */
export function writePathRange(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length >= PATH_BYTES) return -ERRNO.ENAMETOOLONG;
  for (let i = 0; i < length; i++) {
    const byte = bytes[start + i]!;
    if (byte === 0) return -ERRNO.EINVAL;
    pathBuffer[i] = byte;
  }
  pathBuffer[length] = 0;
  return 0;
}

/** {@link writePath} for calls that throw. */
export function writePathOrThrow(path: Path, syscall: string): void {
  const result = writePath(path);
  if (result === -ERRNO.EINVAL) throw new BadArgumentError(syscall, "path", path, "without a NUL");
  if (result < 0) throw SysError.fromResult(result, syscall);
}
