import { type AtCapacity, atCapacityOption, type OrNull, retryAtCapacity } from "./at-capacity.js";
import { type Chunk, ChunkPool } from "./chunk-pool.js";
import { AllocError, shown } from "./errors.js";
import { arrayBufferSource, type ChunkSource, type MemorySource } from "./memory.js";
import { ALLOC_OPTIONS, booleanOption, nameOption, numberOption, refuseUnknown } from "./options.js";
import { checkPoison, poison } from "./poison.js";
import { checkAlignment, checkSize } from "./size-check.js";
import { HighWaterMarks, type MemoryStatistics, withRatios } from "./statistics.js";

export interface ArenaOptions<Full extends AtCapacity = AtCapacity> {
  /** Memory of the caller: the arena is exactly that and does not grow. Offsets are positions in it. */
  memory?: MemorySource;
  /** Without `memory`: bytes taken at a time, 64 … 1 GiB. Default 64 KiB. */
  chunkBytes?: number;
  /** Without `memory`: the most that it takes in all, up to 4 GiB. Default 64 MiB. */
  limitBytes?: number;
  /** Without `memory`: where chunks come from. Default: array buffers. */
  source?: ChunkSource;
  /** Default `"throw"`. */
  atCapacity?: Full;
  /** Poison what is not allocated, check it, and never give out the same offset twice. Default false. */
  debug?: boolean;
  /** Name in statistics. */
  name?: string;
}

/** The largest alignment: beyond it the memory itself is not known to be aligned. */
export const ALIGNMENT_MAX = 4096;

/** A run of offsets in one chunk: `[base, base + end - from)` are the bytes `[from, end)`. */
interface Segment {
  readonly chunk: Chunk;
  readonly from: number;
  readonly base: number;
  /** Where allocation stopped, once a later segment has begun. */
  end: number;
}

/** A position to come back to, from {@link Arena.mark}. */
export class ArenaMark {
  /** @internal */
  readonly _arena: object;
  /** @internal segments that were there */
  readonly _depth: number;
  /** @internal */
  readonly _position: number;
  /** @internal */
  readonly _allocatedBytes: number;
  /** @internal the mark taken before, to end the later ones with the earlier */
  readonly _previous: ArenaMark | undefined;
  /** @internal a reset went back past it */
  _ended = false;

  /** @internal */
  constructor(
    arena: object,
    depth: number,
    position: number,
    allocated: number,
    previous: ArenaMark | undefined,
  ) {
    this._arena = arena;
    this._depth = depth;
    this._position = position;
    this._allocatedBytes = allocated;
    this._previous = previous;
  }
}

/**
 * Bump allocation: things that end together are allocated by adding to a position and all freed by setting it
 * back.
 *
 * ```
 *  chunk 0  │ a │ b │··│ c │   d    │·····│       ··· padding for alignment, or an end that was too short
 *  chunk 1  │ e │ f │      free           │
 *                   ▲
 *                position ── reset(mark) moves it back, reset() to the very beginning
 * ```
 *
 * An allocation is an offset: a number that grows. With `memory` it is the position in that memory.
 */
export class Arena<Full extends AtCapacity = "throw"> {
  readonly name: string;
  readonly #pool: ChunkPool;
  readonly #atCapacity: AtCapacity;
  readonly #debug: boolean;
  readonly #segments: Segment[] = [];
  readonly #highWater = new HighWaterMarks();
  /** In the chunk of the last segment: next free byte, and its length; a limit of -1 sends to the slow path. */
  #position = 0;
  #limit = -1;
  /** Offset of the chunk's byte 0. */
  #delta = 0;
  /** First offset that was never given out. */
  #nextBase = 0;
  /** Bytes of all segments before the last. */
  #closedBytes = 0;
  #allocatedBytes = 0;
  #allocations = 0;
  #resets = 0;
  #failures = 0;
  #lastMark: ArenaMark | undefined;
  #closed = false;

  /**
   * @param pool shared chunks, for {@link ArenaSet} only
   * @throws AllocError `TZ_ALLOC_OPTION`, `TZ_ALLOC_REGION`
   */
  constructor(options: ArenaOptions<Full> = {}, pool?: ChunkPool) {
    refuseUnknown("Arena", options, ARENA_OPTIONS);
    this.name = nameOption("Arena", options.name);
    this.#atCapacity = atCapacityOption("Arena", options.atCapacity);
    this.#debug = booleanOption("Arena", "debug", options.debug);
    this.#pool = pool ?? chunkPoolFor("Arena", options);
  }

  /** Bytes from the first to the position, padding included. */
  get usedBytes(): number {
    return this.#closedBytes + (this.#segments.length === 0 ? 0 : this.#position - this.#last().from);
  }

  /**
   * `bytes` of memory, by offset. Its content is whatever was there.
   *
   * @param alignment the offset is a multiple of it: a power of two up to 4096
   * @returns the offset, or `null` at the limit when `atCapacity` says so
   * @throws AllocError `TZ_ALLOC_SIZE`, `TZ_ALLOC_ALIGNMENT`, `TZ_ALLOC_CAPACITY`, `TZ_ALLOC_POISON` (debug)
   */
  allocate(bytes: number, alignment = 8): OrNull<number, Full> {
    const start = (this.#position + alignment - 1) & -alignment;
    const end = start + bytes;
    // One test for the usual case; whatever is odd about the arguments is found out in the slow path.
    const plain =
      (bytes | 0) === bytes &&
      bytes > 0 &&
      alignment <= ALIGNMENT_MAX &&
      alignment > 0 &&
      (alignment & (alignment - 1)) === 0;
    if (!plain || end > this.#limit || this.#debug)
      return this.#allocateSlow(bytes, alignment) as OrNull<number, Full>;
    this.#position = end;
    this.#allocatedBytes += bytes;
    this.#allocations++;
    return (this.#delta + start) as OrNull<number, Full>;
  }

  /** The same as a view of the bytes. */
  allocateView(bytes: number, alignment = 8): OrNull<Uint8Array, Full> {
    const offset: number | null = this.allocate(bytes, alignment);
    return (offset === null ? null : this.view(offset, bytes)) as OrNull<Uint8Array, Full>;
  }

  /**
   * The bytes at an offset.
   *
   * @throws AllocError `TZ_ALLOC_ADDRESS` when they are not all allocated; `TZ_ALLOC_STALE` in debug mode when
   * they were, before a reset
   */
  view(offset: number, bytes: number): Uint8Array {
    if (!Number.isInteger(offset) || !Number.isInteger(bytes)) this.#refuse(offset, bytes);
    for (let depth = this.#segments.length - 1; depth >= 0; depth--) {
      const segment = this.#segments[depth]!;
      const end = depth === this.#segments.length - 1 ? this.#position : segment.end;
      const start = offset - segment.base + segment.from;
      if (start >= segment.from && bytes >= 0 && start + bytes <= end)
        return segment.chunk.bytes.subarray(start, start + bytes);
    }
    return this.#refuse(offset, bytes);
  }

  /** The position, to go back to with {@link reset}. Marks nest: going back to one ends those taken after it. */
  mark(): ArenaMark {
    const depth = this.#segments.length;
    this.#lastMark = new ArenaMark(this, depth, this.#position, this.#allocatedBytes, this.#lastMark);
    return this.#lastMark;
  }

  /**
   * Frees everything, or everything since a mark. O(1) apart from chunks that go back.
   *
   * @throws AllocError `TZ_ALLOC_STALE` when the mark was ended by a reset to an earlier one; `TZ_ALLOC_ADDRESS`
   * when it is of another arena
   */
  reset(mark?: ArenaMark): void {
    if (mark !== undefined) this.#checkMark(mark);
    this.#noteHighWater();
    while (this.#lastMark !== mark) {
      this.#lastMark!._ended = true;
      this.#lastMark = this.#lastMark!._previous;
    }
    this.#resets++;
    this.#allocatedBytes = mark?._allocatedBytes ?? 0;
    this.#rewind(mark?._depth ?? 0, mark?._position ?? 0);
  }

  /**
   * Runs `body` and frees what it allocated, also when it throws. Scopes nest. `body` is synchronous: between the
   * steps of a promise others would allocate in the scope; use {@link mark} there, or an arena of its own.
   *
   * @throws AllocError `TZ_ALLOC_OPTION` when `body` returns a promise
   */
  scope<T>(body: (arena: this) => T): T {
    const mark = this.mark();
    try {
      const result = body(this);
      if (typeof (result as { then?: unknown } | null | undefined)?.then !== "function") return result;
      throw new AllocError(
        "TZ_ALLOC_OPTION",
        `Arena ${this.name}: the body of a scope must be synchronous, it returned a promise`,
      );
    } finally {
      if (!mark._ended) this.reset(mark);
      if (this.#lastMark === mark) this.#lastMark = mark._previous;
      mark._ended = true;
    }
  }

  /** Gives free chunks back to the source; returns their bytes. Call it after {@link reset}. */
  trim(): number {
    if (this.#segments.length === 1 && this.#position === this.#last().from) {
      this.#noteHighWater();
      for (let mark = this.#lastMark; mark !== undefined; mark = mark._previous) mark._ended = true;
      this.#lastMark = undefined;
      this.#dropSegments(0);
      this.#limit = -1;
      this.#position = 0;
    }
    return this.#pool.trim();
  }

  statistics(): MemoryStatistics {
    this.#noteHighWater();
    const mappedBytes = this.#pool.mappedBytes;
    return withRatios({
      name: this.name,
      kind: "Arena",
      allocatedBytes: this.#allocatedBytes,
      activeBytes: this.usedBytes,
      mappedBytes,
      retainedBytes: 0,
      highWater: this.#highWater.read(),
      allocations: this.#allocations,
      frees: this.#resets,
      failures: this.#failures,
      parts: [],
    });
  }

  /** @internal Ends a lease: everything goes back, and use is an error until `_open`. */
  _close(): void {
    this.reset();
    this.#dropSegments(0);
    this.#position = 0;
    this.#limit = -1;
    this.#closed = true;
  }

  /** @internal */
  _open(): void {
    this.#closed = false;
  }

  #allocateSlow(bytes: number, alignment: number): number | null {
    if (this.#closed) {
      throw new AllocError(
        "TZ_ALLOC_STALE",
        `Arena ${this.name}: it was released; allocating ${shown(bytes)} bytes in it`,
      );
    }
    checkSize(`Arena ${this.name}`, "bytes", bytes, Math.min(this.#pool.limitBytes, 2 ** 30));
    checkAlignment(`Arena ${this.name}`, alignment, ALIGNMENT_MAX);
    let start = (this.#position + alignment - 1) & -alignment;
    if (start + bytes > this.#limit) {
      if (!this.#nextChunk(bytes)) return this.#allocateAtCapacity(bytes, alignment);
      start = 0;
    }
    if (this.#debug) this.#takeDebug(start, bytes);
    this.#position = start + bytes;
    this.#allocatedBytes += bytes;
    this.#allocations++;
    return this.#delta + start;
  }

  #allocateAtCapacity(bytes: number, alignment: number): number | null {
    this.#failures++;
    const describe = () =>
      `Arena ${this.name}: no room for ${bytes} bytes: ${this.usedBytes} are used and ${this.#pool.mappedBytes} of ${this.#pool.limitBytes} are mapped`;
    if (!retryAtCapacity(this.#atCapacity, describe)) return null;
    const start = (this.#position + alignment - 1) & -alignment;
    const fits = start + bytes <= this.#limit || this.#nextChunk(bytes);
    return fits ? this.#allocateSlow(bytes, alignment) : null;
  }

  #nextChunk(bytes: number): boolean {
    const chunk = this.#pool.take(bytes);
    if (chunk === undefined) return false;
    if (this.#debug) poison(chunk.bytes, 0, chunk.bytes.length);
    this.#push(chunk, 0);
    return true;
  }

  /** Begins a segment at offsets that no live allocation has; in debug mode at offsets that none ever had. */
  #push(chunk: Chunk, from: number): void {
    const before = this.#segments.at(-1);
    if (before !== undefined) {
      before.end = this.#position;
      this.#closedBytes += this.#position - before.from;
    }
    const afterLast = before === undefined ? 0 : before.base + before.chunk.bytes.length - before.from;
    const free = this.#debug ? this.#nextBase : afterLast;
    const base = Math.ceil(free / ALIGNMENT_MAX) * ALIGNMENT_MAX + (from % ALIGNMENT_MAX);
    this.#segments.push({ chunk, from, base, end: from });
    this.#nextBase = base + chunk.bytes.length - from;
    this.#enter(from);
  }

  /** Makes the last segment the current one, at a position. */
  #enter(position: number): void {
    const { chunk, base, from } = this.#last();
    this.#position = position;
    this.#limit = chunk.bytes.length;
    this.#delta = base - from;
  }

  /** Back to a number of segments and a position in the last of them. */
  #rewind(depth: number, position: number): void {
    if (this.#segments.length === 0) return;
    // The first chunk stays: an arena that is reset over and over touches its source once.
    const keep = Math.max(depth, 1);
    const resume = depth === 0 ? this.#segments[0]!.from : position;
    if (this.#debug) this.#poisonFrom(keep, resume);
    this.#dropSegments(keep);
    if (!this.#debug) {
      this.#enter(resume);
      return;
    }
    // The offsets of what was freed must not come again: go on in the same chunk under new ones.
    this.#position = resume;
    const { chunk } = this.#last();
    if (depth === 0) this.#segments.length = 0;
    this.#closedBytes = depth === 0 ? 0 : this.#closedBytes;
    this.#push(chunk, resume);
  }

  /** Forgets the segments after the first `keep`, and gives back the chunks that only they were in. */
  #dropSegments(keep: number): void {
    while (this.#segments.length > keep) {
      const { chunk } = this.#segments.pop()!;
      const before = this.#segments.at(-1);
      if (before !== undefined) this.#closedBytes -= before.end - before.from;
      if (before?.chunk === chunk) continue;
      this.#pool.give(chunk);
    }
  }

  #last(): Segment {
    return this.#segments[this.#segments.length - 1]!;
  }

  #noteHighWater(): void {
    this.#highWater.note(this.#allocatedBytes, this.usedBytes, this.#pool.mappedMaxBytes);
  }

  #takeDebug(start: number, bytes: number): void {
    const chunk = this.#last().chunk.bytes;
    checkPoison(
      `Arena ${this.name}`,
      `the ${bytes} bytes at offset ${this.#delta + start}`,
      chunk,
      start,
      start + bytes,
    );
  }

  #poisonFrom(keep: number, resume: number): void {
    for (let depth = keep - 1; depth < this.#segments.length; depth++) {
      const { chunk, from, end } = this.#segments[depth]!;
      const last = depth === this.#segments.length - 1;
      poison(chunk.bytes, depth === keep - 1 ? resume : from, last ? this.#position : end);
    }
  }

  #checkMark(mark: ArenaMark): void {
    if (mark._arena !== this) {
      throw new AllocError("TZ_ALLOC_ADDRESS", `Arena ${this.name}: the mark was taken in another arena`);
    }
    if (mark._ended) {
      throw new AllocError(
        "TZ_ALLOC_STALE",
        `Arena ${this.name}: the mark (position ${mark._position}) was ended by a reset to an earlier position`,
      );
    }
  }

  #refuse(offset: number, bytes: number): never {
    const wanted = `${shown(bytes)} bytes at offset ${shown(offset)}`;
    if (this.#debug && offset >= 0 && offset < this.#nextBase && offset + bytes <= this.#nextBase) {
      throw new AllocError(
        "TZ_ALLOC_STALE",
        `Arena ${this.name}: ${wanted}: not allocated since the last reset`,
      );
    }
    const end = this.#segments.length === 0 ? 0 : this.#delta + this.#position;
    throw new AllocError(
      "TZ_ALLOC_ADDRESS",
      `Arena ${this.name}: ${wanted}: allocated are offsets below ${end}`,
    );
  }
}

const ARENA_OPTIONS = ["memory", "chunkBytes", "limitBytes", "source", "atCapacity", "debug", "name"];

/** The chunks of an arena, or of all arenas of a lifetime. */
export function chunkPoolFor(
  structure: string,
  options: Pick<ArenaOptions, "memory" | "chunkBytes" | "limitBytes" | "source">,
): ChunkPool {
  const rules = ALLOC_OPTIONS.Arena;
  if (options.memory !== undefined) {
    for (const name of ["chunkBytes", "limitBytes", "source"] as const) {
      if (options[name] === undefined) continue;
      throw new AllocError(
        "TZ_ALLOC_OPTION",
        `${structure}: option "${name}" has no meaning beside "memory"`,
      );
    }
    return ChunkPool.over(structure, options.memory);
  }
  const limitBytes = numberOption(structure, "limitBytes", options.limitBytes, rules.limitBytes);
  const chunkBytes = numberOption(structure, "chunkBytes", options.chunkBytes, rules.chunkBytes);
  return new ChunkPool(
    structure,
    options.source ?? arrayBufferSource,
    Math.min(chunkBytes, limitBytes),
    limitBytes,
  );
}
