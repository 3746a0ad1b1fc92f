import { AllocError, shown } from "./errors.js";
import type { MemorySource } from "./memory.js";
import { ALLOC_OPTIONS, numberOption, refuseUnknown } from "./options.js";
import { APART_BYTES, beginHeader, LINE_BYTES, publishHeader, readHeader, viewsOf } from "./shared-header.js";
import { EVENT_WORDS, WaitEvent, type WakeOptions, wakeOptions } from "./wait-event.js";

/** Records of one size: `recordBytes` and how many. Messages of any size: `capacityBytes`. */
export type SpscRingLayout =
  | {
      /** Bytes of every message. */
      recordBytes: number;
      /** Messages, a power of two. */
      capacity: number;
    }
  | {
      /** Bytes for messages and their frames (8 bytes each and padding to 8), a power of two. */
      capacityBytes: number;
    };

const HEAD_AT = LINE_BYTES + APART_BYTES;
const TAIL_AT = HEAD_AT + APART_BYTES;
const EVENTS_AT = TAIL_AT + APART_BYTES;
const DATA_AT = EVENTS_AT + APART_BYTES;

/** Of a message of variable length: its length, then the message, then padding. */
const FRAME_BYTES = 8;
/** A length that says: nothing more until the end of the memory, go on at its beginning. */
const SKIP = -1;

interface Measures {
  /** 0 for messages of any size. */
  readonly recordBytes: number;
  /** Distance of records; 1 when positions count bytes. */
  readonly stride: number;
  /** Records, or bytes. */
  readonly capacity: number;
}

function measure(layout: SpscRingLayout): Measures {
  const rules = ALLOC_OPTIONS.SpscRing;
  if ("capacityBytes" in layout) {
    refuseUnknown("SpscRing", layout, ["capacityBytes"]);
    const capacity = numberOption("SpscRing", "capacityBytes", layout.capacityBytes, rules.capacityBytes);
    return { recordBytes: 0, stride: 1, capacity };
  }
  refuseUnknown("SpscRing", layout, ["recordBytes", "capacity", "capacityBytes"]);
  const recordBytes = numberOption("SpscRing", "recordBytes", layout.recordBytes, rules.recordBytes);
  const capacity = numberOption("SpscRing", "capacity", layout.capacity, rules.capacity);
  const stride = Math.ceil(recordBytes / 8) * 8;
  if (stride * capacity > rules.capacityBytes.max) {
    throw new AllocError(
      "TZ_ALLOC_OPTION",
      `SpscRing: recordBytes × capacity must be at most ${rules.capacityBytes.max}, got ${recordBytes} × ${capacity}`,
    );
  }
  return { recordBytes, stride, capacity };
}

/**
 * Messages from one worker to one other, in order, without a lock.
 *
 * ```
 *                 head (the reader's)                    tail (the writer's)
 *                   ▼                                      ▼
 *  │ free │ free │ msg 7 │ msg 8 │ msg 9 │ staged │ staged │ free │ free │
 *                   ╰─── readable ──────╯ ╰─ written, not published ╯
 * ```
 *
 * Each side keeps what it last saw of the other's position and looks again only when that is used up; the positions
 * are on cache lines of their own. A writer that is killed leaves nothing half written: what it had not published
 * was never there, and the next writer goes on at the tail. A reader that is killed had not released what it was
 * at: the next reader gets it again.
 *
 * One object is one side; the same object may be both in one thread. Two writers, or two readers, at the same time
 * are not allowed and not detected: for them there is {@link MpmcQueue}.
 */
export class SpscRing {
  /** Bytes of every message; 0 when messages have any size. */
  readonly recordBytes: number;
  /** Longest message. */
  readonly messageBytesMax: number;
  /** The memory of messages: {@link reserve} and {@link peek} give places in it. */
  readonly bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #lengths: Int32Array;
  readonly #stride: number;
  readonly #capacity: number;
  readonly #mask: number;
  readonly #readable: WaitEvent;
  readonly #writable: WaitEvent;
  /** The writer's: published, written up to, reserved up to, and the head as last seen. */
  #tail: number;
  #staged: number;
  #reserved: number;
  #seenHead: number;
  /** The reader's: released, read up to, and the tail as last seen. */
  #head: number;
  #peeked: number;
  #peekedBytes = 0;
  #seenTail: number;

  /** Bytes of memory that a ring needs. */
  static bytesFor(layout: SpscRingLayout): number {
    const { stride, capacity } = measure(layout);
    return DATA_AT + stride * capacity;
  }

  /**
   * Makes an empty ring in memory that nobody uses yet.
   *
   * @throws AllocError `TZ_ALLOC_OPTION`, `TZ_ALLOC_REGION`
   */
  static create(memory: MemorySource, layout: SpscRingLayout, wake: WakeOptions = {}): SpscRing {
    const { recordBytes, stride, capacity } = measure(layout);
    const views = viewsOf("SpscRing", memory, DATA_AT + stride * capacity);
    beginHeader("SpscRing", views, DATA_AT, [recordBytes, stride, capacity]);
    publishHeader(views);
    return new SpscRing(memory, wake);
  }

  /**
   * The ring in this memory, as its next writer or reader.
   *
   * @throws AllocError `TZ_ALLOC_REGION` when there is none
   */
  static attach(memory: MemorySource, wake: WakeOptions = {}): SpscRing {
    return new SpscRing(memory, wake);
  }

  private constructor(memory: MemorySource, wake: WakeOptions) {
    const [recordBytes, stride, capacity] = readHeader("SpscRing", memory) as [number, number, number];
    const { bytes, words } = viewsOf("SpscRing", memory, DATA_AT + stride * capacity);
    this.recordBytes = recordBytes;
    this.messageBytesMax = recordBytes === 0 ? capacity / 2 - FRAME_BYTES : recordBytes;
    this.bytes = bytes.subarray(DATA_AT, DATA_AT + stride * capacity);
    this.#lengths = words.subarray(DATA_AT / 4);
    this.#words = words;
    this.#stride = stride;
    this.#capacity = capacity;
    this.#mask = capacity - 1;
    const hooks = wakeOptions("SpscRing", wake);
    this.#readable = new WaitEvent(words, EVENTS_AT / 4, hooks);
    this.#writable = new WaitEvent(words, EVENTS_AT / 4 + EVENT_WORDS, hooks);
    this.#head = Atomics.load(words, HEAD_AT / 4);
    this.#tail = Atomics.load(words, TAIL_AT / 4);
    this.#staged = this.#tail;
    this.#reserved = this.#tail;
    this.#seenHead = this.#head;
    this.#peeked = this.#head;
    this.#seenTail = this.#tail;
  }

  /**
   * Room for the next message, to be written in place: its place in {@link bytes}, or −1 when the ring is full.
   * {@link commit} adds it. Reserving again before that starts over.
   *
   * @param bytes length; not needed for records
   * @throws AllocError `TZ_ALLOC_SIZE` when it is not from 1 to `messageBytesMax`, or not `recordBytes`
   */
  reserve(bytes: number = this.recordBytes): number {
    if (this.recordBytes === 0) return this.#reserveFrame(bytes);
    if (bytes !== this.recordBytes) this.#refuse(bytes);
    if (!this.#hasRoom(this.#staged, 1)) return -1;
    this.#reserved = (this.#staged + 1) | 0;
    return (this.#staged & this.#mask) * this.#stride;
  }

  /** Adds what was reserved. The reader does not see it before {@link publish}. */
  commit(): void {
    this.#staged = this.#reserved;
  }

  /** Shows all that was committed to the reader, and wakes it when it waits. */
  publish(): void {
    if (this.#staged === this.#tail) return;
    this.#tail = this.#staged;
    Atomics.store(this.#words, TAIL_AT / 4, this.#tail);
    this.#readable.notify();
  }

  /**
   * Adds a message and shows it; false when the ring is full.
   *
   * @throws AllocError `TZ_ALLOC_SIZE` as {@link reserve}
   */
  push(message: Uint8Array): boolean {
    const at = this.reserve(message.length);
    if (at < 0) return false;
    this.bytes.set(message, at);
    this.#staged = this.#reserved;
    this.publish();
    return true;
  }

  /**
   * Adds as many of the messages as there is room for, in order, and shows them at once. Returns how many.
   *
   * @param messages records one after the other in one array (its length a multiple of `recordBytes`), or an array
   * for each message
   * @throws AllocError `TZ_ALLOC_SIZE` as {@link reserve}; those before the wrong one are added
   */
  pushBatch(messages: Uint8Array | readonly Uint8Array[]): number {
    if (messages instanceof Uint8Array) return this.#pushRecords(messages);
    let count = 0;
    try {
      for (const message of messages) {
        const at = this.reserve(message.length);
        if (at < 0) break;
        this.bytes.set(message, at);
        this.#staged = this.#reserved;
        count++;
      }
    } finally {
      this.publish();
    }
    return count;
  }

  /**
   * The next message, to be read in place: its place in {@link bytes}, or −1 when there is none. Its length is
   * {@link peekedBytes}. It stays where it is until {@link release}; peeking again gives the one after it.
   */
  peek(): number {
    if (this.#peeked === this.#seenTail && !this.#lookForMore()) return -1;
    if (this.recordBytes !== 0) {
      const at = (this.#peeked & this.#mask) * this.#stride;
      this.#peeked = (this.#peeked + 1) | 0;
      return at;
    }
    let at = this.#peeked & this.#mask;
    if (this.#lengths[at >> 2] === SKIP) {
      this.#peeked = (this.#peeked + this.#capacity - at) | 0;
      at = 0;
    }
    this.#peekedBytes = this.#lengths[at >> 2]!;
    this.#peeked = (this.#peeked + frameBytes(this.#peekedBytes)) | 0;
    return at + FRAME_BYTES;
  }

  /** Length of the message that {@link peek} gave last. */
  get peekedBytes(): number {
    return this.recordBytes === 0 ? this.#peekedBytes : this.recordBytes;
  }

  /** Gives the places of all messages that were peeked back to the writer, and wakes it when it waits. */
  release(): void {
    if (this.#peeked === this.#head) return;
    this.#head = this.#peeked;
    Atomics.store(this.#words, HEAD_AT / 4, this.#head);
    this.#writable.notify();
  }

  /**
   * Copies the next message to the beginning of `into` and returns its length; −1 when there is none. It is released
   * before it is acted on, so it dies with a reader that is killed right after: use {@link drain} or {@link peek}
   * where it must not.
   *
   * @throws AllocError `TZ_ALLOC_SIZE` when `into` is too short: the message stays
   */
  pop(into: Uint8Array): number {
    const before = this.#peeked;
    const at = this.peek();
    if (at < 0) return -1;
    const bytes = this.peekedBytes;
    if (into.length < bytes) {
      this.#peeked = before;
      throw new AllocError("TZ_ALLOC_SIZE", `SpscRing: into must have ${bytes} bytes, got ${into.length}`);
    }
    into.set(this.bytes.subarray(at, at + bytes));
    this.release();
    return bytes;
  }

  /**
   * Copies as many records as there are, and as fit, one after the other. Returns how many.
   *
   * @throws AllocError `TZ_ALLOC_SIZE` when messages have no fixed size, or `into` is shorter than a record
   */
  popBatch(into: Uint8Array): number {
    const record = this.recordBytes;
    if (record === 0 || into.length < record) {
      throw new AllocError(
        "TZ_ALLOC_SIZE",
        `SpscRing: popBatch needs records of one size and room for one (recordBytes ${record}), got ${into.length} bytes`,
      );
    }
    // Ask what is new only when what is known does not fill `into`.
    const wanted = Math.floor(into.length / record);
    let count = (this.#seenTail - this.#peeked) | 0;
    if (count < wanted) {
      this.#lookForMore();
      count = (this.#seenTail - this.#peeked) | 0;
    }
    count = Math.min(count, wanted);
    if (count === 0) return 0;
    if (this.#stride !== record) return this.#popStrided(into, count);
    const from = this.#peeked & this.#mask;
    const first = Math.min(count, this.#capacity - from);
    into.set(this.bytes.subarray(from * record, (from + first) * record));
    if (first < count) into.set(this.bytes.subarray(0, (count - first) * record), first * record);
    this.#peeked = (this.#peeked + count) | 0;
    this.release();
    return count;
  }

  /**
   * Calls `visit` for each message there is, at most `max`, in place, and then releases them. When `visit` throws,
   * the message that it threw at and those after it stay. Returns how many were visited.
   */
  drain(
    visit: (bytes: Uint8Array, at: number, length: number) => void,
    max = Number.POSITIVE_INFINITY,
  ): number {
    let count = 0;
    let done = this.#peeked;
    try {
      while (count < max) {
        const at = this.peek();
        if (at < 0) break;
        visit(this.bytes, at, this.peekedBytes);
        done = this.#peeked;
        count++;
      }
    } finally {
      this.#peeked = done;
      this.release();
    }
    return count;
  }

  /** True when a message can be read. */
  get isReadable(): boolean {
    return this.#peeked !== this.#seenTail || this.#lookForMore();
  }

  /**
   * Blocks the thread until there is something to read, or for `timeoutMs`; returns whether there is.
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

  /**
   * Blocks the thread until a message of `bytes` can be written, or for `timeoutMs`; returns whether it can.
   *
   * @throws AllocError `TZ_ALLOC_SIZE`
   */
  waitWritable(timeoutMs: number, bytes: number = this.recordBytes): boolean {
    return this.#writable.wait(() => this.reserve(bytes) >= 0, timeoutMs);
  }

  /** The same as a promise. */
  waitWritableAsync(timeoutMs: number, bytes: number = this.recordBytes): Promise<boolean> {
    return this.#writable.waitAsync(() => this.reserve(bytes) >= 0, timeoutMs);
  }

  #lookForMore(): boolean {
    this.#seenTail = Atomics.load(this.#words, TAIL_AT / 4);
    return this.#peeked !== this.#seenTail;
  }

  /** True when `count` positions from `from` on are free. */
  #hasRoom(from: number, count: number): boolean {
    if (((from - this.#seenHead) | 0) + count <= this.#capacity) return true;
    this.#seenHead = Atomics.load(this.#words, HEAD_AT / 4);
    return ((from - this.#seenHead) | 0) + count <= this.#capacity;
  }

  #reserveFrame(bytes: number): number {
    if (!(Number.isInteger(bytes) && bytes >= 1 && bytes <= this.messageBytesMax)) this.#refuse(bytes);
    const needed = frameBytes(bytes);
    const at = this.#staged & this.#mask;
    const toEnd = this.#capacity - at;
    if (needed <= toEnd) {
      if (!this.#hasRoom(this.#staged, needed)) return -1;
      this.#lengths[at >> 2] = bytes;
      this.#reserved = (this.#staged + needed) | 0;
      return at + FRAME_BYTES;
    }
    if (!this.#hasRoom(this.#staged, toEnd + needed)) return -1;
    this.#lengths[at >> 2] = SKIP;
    this.#lengths[0] = bytes;
    this.#reserved = (this.#staged + toEnd + needed) | 0;
    return FRAME_BYTES;
  }

  #pushRecords(records: Uint8Array): number {
    const record = this.recordBytes;
    if (record === 0 || records.length % record !== 0) {
      throw new AllocError(
        "TZ_ALLOC_SIZE",
        `SpscRing: the length of a batch must be a multiple of recordBytes (${record}), got ${records.length}`,
      );
    }
    const wanted = records.length / record;
    let room = this.#capacity - ((this.#staged - this.#seenHead) | 0);
    if (room < wanted) {
      this.#seenHead = Atomics.load(this.#words, HEAD_AT / 4);
      room = this.#capacity - ((this.#staged - this.#seenHead) | 0);
    }
    const count = Math.min(room, wanted);
    if (this.#stride === record) {
      const from = this.#staged & this.#mask;
      const first = Math.min(count, this.#capacity - from);
      this.bytes.set(
        first * record === records.length ? records : records.subarray(0, first * record),
        from * record,
      );
      if (first < count) this.bytes.set(records.subarray(first * record, count * record), 0);
    } else {
      for (let i = 0; i < count; i++) {
        const at = ((this.#staged + i) & this.#mask) * this.#stride;
        this.bytes.set(records.subarray(i * record, (i + 1) * record), at);
      }
    }
    this.#staged = (this.#staged + count) | 0;
    this.publish();
    return count;
  }

  #popStrided(into: Uint8Array, count: number): number {
    for (let i = 0; i < count; i++) {
      const at = this.peek();
      into.set(this.bytes.subarray(at, at + this.recordBytes), i * this.recordBytes);
    }
    this.release();
    return count;
  }

  #refuse(bytes: unknown): never {
    const bound =
      this.recordBytes === 0 ? `an integer from 1 to ${this.messageBytesMax}` : `${this.recordBytes}`;
    throw new AllocError(
      "TZ_ALLOC_SIZE",
      `SpscRing: a message must have ${bound} bytes, got ${shown(bytes)}`,
    );
  }
}

/** A message with its length, padded so that the next one begins at a multiple of 8. */
function frameBytes(bytes: number): number {
  return FRAME_BYTES + ((bytes + 7) & ~7);
}
