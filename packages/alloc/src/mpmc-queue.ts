import { AllocError, shown } from "./errors.js";
import type { MemorySource } from "./memory.js";
import { ALLOC_OPTIONS, numberOption, refuseUnknown } from "./options.js";
import { OWNER_ROW_WORDS, OWNERS_MAX, OwnerTable } from "./owner-table.js";
import { APART_BYTES, beginHeader, LINE_BYTES, publishHeader, readHeader, viewsOf } from "./shared-header.js";
import { EVENT_WORDS, WaitEvent, type WakeOptions, wakeOptions } from "./wait-event.js";

export interface MpmcQueueLayout {
  /** Longest message, 1 byte … 16 MiB. Cells are 8 bytes longer, in steps of 64: 56 fills one cache line. */
  recordBytes: number;
  /** Messages, a power of two. */
  capacity: number;
}

export interface MpmcQueueOptions extends WakeOptions {
  /** Id of this worker, 1 … 255: one for each that is attached at the same time. */
  owner: number;
}

const HEAD_AT = LINE_BYTES + APART_BYTES;
const TAIL_AT = HEAD_AT + APART_BYTES;
const EVENTS_AT = TAIL_AT + APART_BYTES;
const ROWS_AT = EVENTS_AT + APART_BYTES;
const CELLS_AT = Math.ceil((ROWS_AT + OWNERS_MAX * OWNER_ROW_WORDS * 4) / LINE_BYTES) * LINE_BYTES;
/** Of a cell, before the message: state and length. */
const CELL_HEAD_BYTES = 8;
const CELL_WORDS_LENGTH = 1;

/*
 * State of a cell   31              11 10        3 2     0
 *                   │ lap, modulo 2^21 │ owner     │ phase │
 */
const EMPTY = 0;
const WRITING = 1;
const FULL = 2;
const READING = 3;
/** Its writer died: nothing to read in this lap. */
const ABORTED = 4;

const LAP_MASK = 0x1fffff;
const pack = (phase: number, owner: number, lap: number): number => (lap << 11) | (owner << 3) | phase;
const phaseIn = (state: number): number => state & 7;
const ownerIn = (state: number): number => (state >>> 3) & 0xff;
const lapIn = (state: number): number => state >>> 11;

interface Measures {
  readonly recordBytes: number;
  readonly stride: number;
  readonly capacity: number;
}

function measure(layout: MpmcQueueLayout): Measures {
  const rules = ALLOC_OPTIONS.MpmcQueue;
  refuseUnknown("MpmcQueue", layout, ["recordBytes", "capacity"]);
  const recordBytes = numberOption("MpmcQueue", "recordBytes", layout.recordBytes, rules.recordBytes);
  const capacity = numberOption("MpmcQueue", "capacity", layout.capacity, rules.capacity);
  const stride = Math.ceil((CELL_HEAD_BYTES + recordBytes) / LINE_BYTES) * LINE_BYTES;
  if (stride * capacity > 2 ** 30) {
    throw new AllocError(
      "TZ_ALLOC_OPTION",
      `MpmcQueue: recordBytes × capacity must be at most ${2 ** 30} with the heads of cells, got ${recordBytes} × ${capacity}`,
    );
  }
  return { recordBytes, stride, capacity };
}

/**
 * Messages from any number of workers to any number of others, in order, without a lock.
 *
 * ```
 *            head                               tail
 *              ▼                                  ▼
 *  │ EMPTY │ READING │ FULL │ FULL │ WRITING │ EMPTY │ EMPTY │      each cell: phase, whose, and of which lap
 *   lap 5    by 3 ╮    lap 4  lap 4   by 1 ╮   lap 4
 *                 ╰─ 3 takes it out        ╰─ 1 puts it in
 * ```
 *
 * A worker claims a cell by writing its id into the cell's state, in one step with the phase; head and tail only
 * say where to look first, and whoever finds them behind moves them on. So at every instruction it is known whose
 * a cell is, and `recover(id)` frees the cells of a worker that was killed: a message that it had not finished is
 * skipped, one that it had begun to take is handed to the recoverer.
 *
 * Until it is recovered, the cell of a dead writer holds up the readers behind it, as any order must.
 */
export class MpmcQueue {
  readonly owner: number;
  /** Longest message. */
  readonly recordBytes: number;
  readonly capacity: number;
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #strideWords: number;
  readonly #mask: number;
  readonly #lapShift: number;
  readonly #owners: OwnerTable;
  readonly #readable: WaitEvent;
  readonly #writable: WaitEvent;
  /** Messages that `visit` functions are at. */
  #visiting = 0;

  /** Bytes of memory that a queue needs. */
  static bytesFor(layout: MpmcQueueLayout): number {
    const { stride, capacity } = measure(layout);
    return CELLS_AT + stride * capacity;
  }

  /**
   * Makes an empty queue in memory that nobody uses yet. Then each worker attaches, the one that made it too.
   *
   * @throws AllocError `TZ_ALLOC_OPTION`, `TZ_ALLOC_REGION`
   */
  static create(memory: MemorySource, layout: MpmcQueueLayout): void {
    const { recordBytes, stride, capacity } = measure(layout);
    const bytesNeeded = CELLS_AT + stride * capacity;
    const views = viewsOf("MpmcQueue", memory, bytesNeeded);
    // Zeros: every cell is EMPTY in lap 0, head and tail are at the first.
    beginHeader("MpmcQueue", views, bytesNeeded, [recordBytes, stride, capacity]);
    publishHeader(views);
  }

  /**
   * Takes part in the queue in this memory.
   *
   * @throws AllocError `TZ_ALLOC_REGION` when there is none, `TZ_ALLOC_OWNER` when the id is taken
   */
  static attach(memory: MemorySource, options: MpmcQueueOptions): MpmcQueue {
    return new MpmcQueue(memory, options);
  }

  private constructor(memory: MemorySource, options: MpmcQueueOptions) {
    const { owner, ...wake } = options;
    const [recordBytes, stride, capacity] = readHeader("MpmcQueue", memory) as [number, number, number];
    const { bytes, words } = viewsOf("MpmcQueue", memory, CELLS_AT + stride * capacity);
    this.owner = owner;
    this.recordBytes = recordBytes;
    this.capacity = capacity;
    this.#bytes = bytes;
    this.#words = words;
    this.#strideWords = stride / 4;
    this.#mask = capacity - 1;
    this.#lapShift = Math.log2(capacity);
    const hooks = wakeOptions("MpmcQueue", wake);
    this.#readable = new WaitEvent(words, EVENTS_AT / 4, hooks);
    this.#writable = new WaitEvent(words, EVENTS_AT / 4 + EVENT_WORDS, hooks);
    this.#owners = new OwnerTable("MpmcQueue", words, ROWS_AT / 4);
    this.#owners.beginAttach(owner);
    this.#owners.endAttach(owner);
  }

  /** Messages in the queue, about: those being put in or taken out count or not. */
  get length(): number {
    const tail = Atomics.load(this.#words, TAIL_AT / 4);
    const head = Atomics.load(this.#words, HEAD_AT / 4);
    return Math.min(this.capacity, Math.max(0, (tail - head) | 0));
  }

  /**
   * Adds a message; false when the queue is full.
   *
   * @throws AllocError `TZ_ALLOC_SIZE` when it does not have 1 … `recordBytes` bytes
   */
  push(message: Uint8Array): boolean {
    this.#checkLength(message.length);
    const position = this.#claimEmpty();
    if (position === undefined) return false;
    this.#advance(TAIL_AT / 4, position, 1);
    this.#fill(position, message);
    this.#readable.notify();
    return true;
  }

  /**
   * Adds as many of the messages as there is room for, in order; others may put theirs between. Returns how many.
   *
   * @throws AllocError `TZ_ALLOC_SIZE`, before any is added
   */
  pushBatch(messages: readonly Uint8Array[]): number {
    for (const message of messages) this.#checkLength(message.length);
    let count = 0;
    for (const message of messages) {
      const position = this.#claimEmpty();
      if (position === undefined) break;
      this.#advance(TAIL_AT / 4, position, 1);
      this.#fill(position, message);
      count++;
    }
    if (count > 0) this.#readable.notify();
    return count;
  }

  /**
   * Copies the next message to the beginning of `into` and returns its length; −1 when there is none. Its cell is
   * free before it is acted on, so it dies with a reader that is killed right after: use {@link drain} where it must
   * not.
   *
   * @throws AllocError `TZ_ALLOC_SIZE` when `into` is shorter than `recordBytes`: nothing is taken
   */
  pop(into: Uint8Array): number {
    if (into.length < this.recordBytes) {
      throw new AllocError(
        "TZ_ALLOC_SIZE",
        `MpmcQueue: into must have ${this.recordBytes} bytes, got ${into.length}`,
      );
    }
    const position = this.#claimFull();
    if (position === undefined) return -1;
    const message = this.#messageAt(position);
    into.set(message);
    this.#empty(position);
    this.#writable.notify();
    return message.length;
  }

  /**
   * Calls `visit` with each message there is, at most `max`, in place. Returns how many. When `visit` throws, the
   * message that it threw at counts as taken. When the worker is killed in `visit`, the message goes to the
   * recoverer.
   */
  drain(visit: (message: Uint8Array) => void, max = Number.POSITIVE_INFINITY): number {
    let count = 0;
    try {
      while (count < max) {
        const position = this.#claimFull();
        if (position === undefined) break;
        count++;
        this.#visiting++;
        try {
          visit(this.#messageAt(position));
        } finally {
          this.#visiting--;
          this.#empty(position);
        }
      }
    } finally {
      if (count > 0) this.#writable.notify();
    }
    return count;
  }

  /** True when the next message is complete. */
  get isReadable(): boolean {
    const position = Atomics.load(this.#words, HEAD_AT / 4);
    const state = Atomics.load(this.#words, this.#cellAt(position));
    const lap = this.#lapOf(position);
    // Behind a cell that another is taking, or that was given up, there may be more: let pop find out.
    return lapIn(state) === lap ? phaseIn(state) >= FULL : lapIn(state) !== ((lap - 1) & LAP_MASK);
  }

  /** True when there is room for a message. */
  get isWritable(): boolean {
    const position = Atomics.load(this.#words, TAIL_AT / 4);
    const state = Atomics.load(this.#words, this.#cellAt(position));
    return lapIn(state) !== ((this.#lapOf(position) - 1) & LAP_MASK);
  }

  /**
   * Blocks the thread until there seems to be something to read, or for `timeoutMs`. Another may be faster: pop
   * and see.
   *
   * @throws AllocError `TZ_ALLOC_SIZE` when the time is negative or NaN
   */
  waitReadable(timeoutMs: number): boolean {
    return this.#readable.wait(() => this.isReadable, timeoutMs);
  }

  /** The same as a promise. */
  waitReadableAsync(timeoutMs: number): Promise<boolean> {
    return this.#readable.waitAsync(() => this.isReadable, timeoutMs);
  }

  /** Blocks the thread until there seems to be room, or for `timeoutMs`. */
  waitWritable(timeoutMs: number): boolean {
    return this.#writable.wait(() => this.isWritable, timeoutMs);
  }

  /** The same as a promise. */
  waitWritableAsync(timeoutMs: number): Promise<boolean> {
    return this.#writable.waitAsync(() => this.isWritable, timeoutMs);
  }

  /**
   * Frees the cells that a dead worker had claimed. A message that it was putting in is dropped; one that it was
   * taking out is given to `orphan` (the dead one may or may not have acted on it). Returns how many cells.
   *
   * Call it only when the worker is dead; see `recover` of {@link SharedSlabPool}. When `orphan` throws, the
   * recovery is not complete: call it again.
   *
   * @throws AllocError `TZ_ALLOC_OWNER`
   */
  recover(dead: number, orphan: (message: Uint8Array) => void = () => {}): number {
    if (!this.#owners.beginRecovery(dead, this.owner)) return 0;
    let cells = 0;
    for (let cell = 0; cell < this.capacity; cell++) {
      const at = this.#cellAt(cell);
      const state = Atomics.load(this.#words, at);
      // Cells of this worker in READING are left from a recovery that did not come to its end.
      const mine = this.#visiting === 0 && ownerIn(state) === this.owner && phaseIn(state) === READING;
      if (ownerIn(state) !== dead && !mine) continue;
      cells++;
      if (phaseIn(state) === WRITING) {
        Atomics.compareExchange(this.#words, at, state, pack(ABORTED, 0, lapIn(state)));
        continue;
      }
      Atomics.store(this.#words, at, pack(READING, this.owner, lapIn(state)));
      orphan(this.#messageIn(cell));
      Atomics.store(this.#words, at, pack(EMPTY, 0, (lapIn(state) + 1) & LAP_MASK));
    }
    this.#owners.endRecovery(dead, this.owner);
    this.#readable.notify();
    this.#writable.notify();
    return cells;
  }

  /** Ends taking part. */
  detach(): void {
    this.#owners.detach(this.owner);
  }

  /** Claims the cell at the tail; its position, or `undefined` when the queue is full. */
  #claimEmpty(): number | undefined {
    for (;;) {
      const position = Atomics.load(this.#words, TAIL_AT / 4);
      const lap = this.#lapOf(position);
      const at = this.#cellAt(position);
      const state = Atomics.load(this.#words, at);
      if (state === pack(EMPTY, 0, lap)) {
        const claimed = pack(WRITING, this.owner, lap);
        if (Atomics.compareExchange(this.#words, at, state, claimed) === state) return position;
      } else if (lapIn(state) !== ((lap - 1) & LAP_MASK)) {
        // Claimed by another, who has not moved the tail yet.
        Atomics.compareExchange(this.#words, TAIL_AT / 4, position, (position + 1) | 0);
      } else if (Atomics.load(this.#words, TAIL_AT / 4) === position) {
        // Not read since the last lap.
        return undefined;
      }
    }
  }

  /** Claims the message at the head; its position, or `undefined` when there is none that is complete. */
  #claimFull(): number | undefined {
    for (;;) {
      const position = Atomics.load(this.#words, HEAD_AT / 4);
      const lap = this.#lapOf(position);
      const at = this.#cellAt(position);
      const state = Atomics.load(this.#words, at);
      const phase = phaseIn(state);
      const older = lapIn(state) === ((lap - 1) & LAP_MASK);
      if (!older && (lapIn(state) !== lap || phase === READING)) {
        // Taken by another, who has not moved the head yet.
        Atomics.compareExchange(this.#words, HEAD_AT / 4, position, (position + 1) | 0);
      } else if (!older && phase === FULL) {
        const claimed = pack(READING, this.owner, lap);
        if (Atomics.compareExchange(this.#words, at, state, claimed) !== state) continue;
        this.#advance(HEAD_AT / 4, position, 1);
        return position;
      } else if (!older && phase === ABORTED) {
        Atomics.compareExchange(this.#words, at, state, pack(EMPTY, 0, (lap + 1) & LAP_MASK));
        this.#writable.notify();
      } else if (Atomics.load(this.#words, HEAD_AT / 4) === position) {
        // Nothing there, or somebody is still writing it, or reading what was there in the lap before.
        return undefined;
      }
    }
  }

  /** Moves a position on, unless somebody has. */
  #advance(word: number, position: number, by: number): void {
    Atomics.compareExchange(this.#words, word, position, (position + by) | 0);
  }

  #fill(position: number, message: Uint8Array): void {
    const at = this.#cellAt(position);
    this.#words[at + CELL_WORDS_LENGTH] = message.length;
    this.#bytes.set(message, at * 4 + CELL_HEAD_BYTES);
    Atomics.store(this.#words, at, pack(FULL, 0, this.#lapOf(position)));
  }

  #empty(position: number): void {
    Atomics.store(
      this.#words,
      this.#cellAt(position),
      pack(EMPTY, 0, (this.#lapOf(position) + 1) & LAP_MASK),
    );
  }

  #messageAt(position: number): Uint8Array {
    return this.#messageIn(position & this.#mask);
  }

  #messageIn(cell: number): Uint8Array {
    const at = this.#cellAt(cell);
    const start = at * 4 + CELL_HEAD_BYTES;
    return this.#bytes.subarray(start, start + this.#words[at + CELL_WORDS_LENGTH]!);
  }

  /** Index in `words` of the cell of a position. */
  #cellAt(position: number): number {
    return CELLS_AT / 4 + (position & this.#mask) * this.#strideWords;
  }

  #lapOf(position: number): number {
    return (position >>> this.#lapShift) & LAP_MASK;
  }

  #checkLength(bytes: number): void {
    if (bytes >= 1 && bytes <= this.recordBytes) return;
    throw new AllocError(
      "TZ_ALLOC_SIZE",
      `MpmcQueue: a message must have 1 to ${this.recordBytes} bytes, got ${shown(bytes)}`,
    );
  }
}
