/**
 * Memory that the workers of one generation share: what their mounts want, one part after another.
 *
 * ```
 *   page 0: ready │ maker │ parts │ bytes of each part         then each part, from a page on
 *
 *   supervisor ── memfd of one page, inherited ──▶ the first worker makes it as large as its mounts want and prepares
 *                                                  the parts; the others wait, then map it
 * ```
 *
 * Workers make it, not their supervisor, because a new generation may be another program with other mounts. It goes
 * when the last of them has ended.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { PlanMount, SharedPart } from "@tz/http1";
import { close, ftruncate, isSupported, MFD_CLOEXEC, memfdCreate, mmap, type Region } from "@tz/sys";

const PAGE_BYTES = 4096;
const READY = 0;
const MAKER = 1;
const PARTS = 2;
const TABLE = 3;
/** What fits into the rest of the first page. */
const PARTS_MAX = 512;
const POLL_MS = 5;

/** The supervisor's side. */
export class GenerationMemories {
  readonly #fds = new Map<number, number>();
  readonly #isOn: boolean;

  constructor(isOn: boolean) {
    this.#isOn = isOn && isSupported().supported;
  }

  fdOf(generation: number): number | undefined {
    if (!this.#isOn) return undefined;
    let fd = this.#fds.get(generation);
    if (fd === undefined) {
      fd = memfdCreate("tz-workers", MFD_CLOEXEC);
      ftruncate(fd, PAGE_BYTES);
      this.#fds.set(generation, fd);
    }
    return fd;
  }

  /** Workers that run keep it. */
  drop(generation: number): void {
    const fd = this.#fds.get(generation);
    this.#fds.delete(generation);
    if (fd !== undefined) close(fd);
  }

  dropAll(): void {
    for (const generation of [...this.#fds.keys()]) this.drop(generation);
  }
}

/** A worker's share in the memory of its generation. */
export class GenerationMemory {
  readonly #parts: readonly SharedPart[];

  private constructor(parts: readonly SharedPart[]) {
    this.#parts = parts;
  }

  /**
   * Makes the memory or waits for who does, and gives each mount its part.
   * @returns `undefined` when there is nothing to share, or when the other workers of this generation run a program
   *   with other mounts (it was changed since): then this one keeps to itself
   */
  static async join(
    fd: number,
    mounts: readonly PlanMount[],
    workers: number,
  ): Promise<GenerationMemory | undefined> {
    try {
      return await GenerationMemory.#join(fd, mounts, workers);
    } finally {
      // What is mapped stays.
      close(fd);
    }
  }

  static async #join(
    fd: number,
    mounts: readonly PlanMount[],
    workers: number,
  ): Promise<GenerationMemory | undefined> {
    const wanted = await Promise.all(mounts.map((mount) => mount.shared?.(workers)));
    const parts = wanted.filter((part) => part !== undefined).slice(0, PARTS_MAX);
    if (parts.length === 0) return undefined;
    const sizes = parts.map(({ byteLength }) => Math.ceil(byteLength / PAGE_BYTES) * PAGE_BYTES);
    const page = mmap({ fd, byteLength: PAGE_BYTES });
    try {
      const words = new Int32Array(page.bytes.buffer, page.bytes.byteOffset, PAGE_BYTES / 4);
      while (Atomics.load(words, READY) === 0) {
        const maker = Atomics.load(words, MAKER);
        // The one who began may have been killed; its pages go with the truncation.
        const isMine = !isAlive(maker) && Atomics.compareExchange(words, MAKER, maker, process.pid) === maker;
        if (!isMine) await sleep(POLL_MS);
        else make(fd, words, parts, sizes);
      }
      if (!isSame(words, sizes)) return undefined;
    } finally {
      page.release();
    }
    const region = mmap({ fd, byteLength: PAGE_BYTES + sum(sizes) });
    eachPart(region, parts, sizes, (part, memory) => part.attach(memory));
    return new GenerationMemory(parts);
  }

  /** A worker is gone. */
  recover(): void {
    for (const part of this.#parts) part.recover();
  }
}

function make(fd: number, words: Int32Array, parts: readonly SharedPart[], sizes: readonly number[]): void {
  ftruncate(fd, PAGE_BYTES);
  ftruncate(fd, PAGE_BYTES + sum(sizes));
  const region = mmap({ fd, byteLength: PAGE_BYTES + sum(sizes) });
  try {
    eachPart(region, parts, sizes, (part, memory) => part.create(memory));
  } finally {
    region.release();
  }
  words[PARTS] = sizes.length;
  sizes.forEach((size, index) => {
    words[TABLE + index] = size / PAGE_BYTES;
  });
  Atomics.store(words, READY, 1);
}

function eachPart(
  region: Region,
  parts: readonly SharedPart[],
  sizes: readonly number[],
  use: (part: SharedPart, memory: { bytes: Uint8Array; address: number }) => void,
): void {
  let offset = PAGE_BYTES;
  parts.forEach((part, index) => {
    const bytes = region.bytes.subarray(offset, offset + part.byteLength);
    use(part, { bytes, address: region.address + offset });
    offset += sizes[index]!;
  });
}

function isSame(words: Int32Array, sizes: readonly number[]): boolean {
  return (
    words[PARTS] === sizes.length && sizes.every((size, index) => words[TABLE + index] === size / PAGE_BYTES)
  );
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((all, size) => all + size, 0);
}

function isAlive(pid: number): boolean {
  if (pid === 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
