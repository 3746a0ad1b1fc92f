/**
 * Memory between pages that nobody may touch, for checker mode. What reads or writes beyond such a region in this process
 * (a copy in C, OpenSSL) ends it at that instruction with SIGSEGV, and a system call gets EFAULT: without the pages both would
 * change what lies behind the region and be found much later, or never.
 *
 * ```
 *   │ no access │      unused ┌── region ──┐│ no access │
 *   └── guard ──┴─────────────┴────────────┴┴── guard ──┘
 *                                           └ less than the alignment
 * ```
 */
import { MAP_ANONYMOUS, MAP_NORESERVE, MAP_PRIVATE, PROT_NONE, PROT_READ, PROT_WRITE } from "./constants.js";
import { bind, viewOf } from "./native.js";

const nativeMap = bind("intptr_t mmap(intptr_t, size_t, int, int, int, int64_t)");
const nativeProtect = bind("int mprotect(intptr_t, size_t, int)");
const nativeUnmap = bind("int munmap(intptr_t, size_t)");

/** The largest page of the processors that we run on. */
const GUARD_BYTES = 64 * 1024;
/** Each takes three of the mappings that a process may have (65,530, `vm.max_map_count`). */
const GUARDED_MAX = 2000;

let guarded = 0;

export interface GuardedPages {
  readonly buffer: ArrayBuffer;
  readonly address: number;
}

/**
 * Zeroed memory whose end is followed by a guard, and whose beginning has one before it. It is given back when the last view of
 * it is collected.
 * @returns `undefined` when there are many already, or the kernel has no more: then the memory is to come from elsewhere
 */
export function guardedPages(byteLength: number, alignment: number): GuardedPages | undefined {
  if (guarded >= GUARDED_MAX) return undefined;
  const insideBytes = Math.ceil((byteLength + alignment - 1) / GUARD_BYTES) * GUARD_BYTES;
  const mappedBytes = insideBytes + 2 * GUARD_BYTES;
  const mapped = nativeMap(0, mappedBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped === -1) return undefined;
  const inside = mapped + GUARD_BYTES;
  if (nativeProtect(inside, insideBytes, PROT_READ | PROT_WRITE) === -1) {
    nativeUnmap(mapped, mappedBytes);
    return undefined;
  }
  const last = inside + insideBytes - byteLength;
  const address = last - (last % alignment);
  const buffer = viewOf(address, byteLength);
  guarded++;
  abandoned.register(buffer, { mapped, mappedBytes });
  return { buffer, address };
}

const abandoned = new FinalizationRegistry<{ mapped: number; mappedBytes: number }>((range) => {
  guarded--;
  nativeUnmap(range.mapped, range.mappedBytes);
});
