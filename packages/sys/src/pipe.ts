import { orThrow } from "./errors.js";
import { bind, errnoCell } from "./native.js";
import { scratchAddress, scratchWords } from "./scratch.js";

const nativePipe = bind("int pipe2(intptr_t, int)");
const nativeEvent = bind("int eventfd(uint32_t, int)");
const nativeSplice = bind("intptr_t splice(int, intptr_t, int, intptr_t, size_t, uint32_t)");

/** A pipe; `flags` may be `O_NONBLOCK | O_CLOEXEC`. @throws SysError (EMFILE) */
export function pipe2(flags: number): { readonly readFd: number; readonly writeFd: number } {
  const result = nativePipe(scratchAddress, flags);
  orThrow(result === -1 ? -errnoCell[0]! : result, "pipe2");
  return { readFd: scratchWords[0]!, writeFd: scratchWords[1]! };
}

/** A counter that becomes readable when it is written (`EFD_*` flags). @throws SysError (EMFILE) */
export function eventfd(initial: number, flags: number): number {
  const fd = nativeEvent(initial, flags);
  return orThrow(fd === -1 ? -errnoCell[0]! : fd, "eventfd");
}

/**
 * Moves up to `length` bytes between two descriptors, one of them a pipe, without copying them through this
 * process. An offset of -1 means the descriptor's own position (a pipe or socket has no other).
 * @returns how many moved, 0 at the end, or a negative errno
 */
export function splice(
  fdIn: number,
  fdOut: number,
  length: number,
  flags: number,
  offsetIn = -1,
  offsetOut = -1,
): number {
  scratchWords[0] = offsetIn;
  scratchWords[1] = Math.floor(offsetIn / 4294967296);
  scratchWords[2] = offsetOut;
  scratchWords[3] = Math.floor(offsetOut / 4294967296);
  const inAddress = offsetIn < 0 ? 0 : scratchAddress;
  const outAddress = offsetOut < 0 ? 0 : scratchAddress + 8;
  const count = nativeSplice(fdIn, inAddress, fdOut, outAddress, length, flags);
  return count === -1 ? -errnoCell[0]! : count;
}
