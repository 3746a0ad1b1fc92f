import { AllocError, shown } from "./errors.js";
import { ALLOC_OPTIONS, functionOption, numberOption, refuseUnknown } from "./options.js";

/** The longest delay that `schedule` takes: 2 ** 48 ms, some 8,900 years; keeps tick numbers exact. */
export const DELAY_MS_MAX = 2 ** 48;

export interface TimerWheelOptions {
  /** Length of a tick, in ms: a timer fires at most one tick (and the wait for `advance`) late. Default 1. */
  tickMs?: number;
  /** Slots on each level, a power of two from 16 to 4096. Default 256. */
  slots?: number;
  /** The clock, in ms, never going back. Default `performance.now`. It is read once per `schedule`. */
  now?: () => number;
}

/**
 * One timer, made once and scheduled any number of times: it carries its own links, so that scheduling and
 * cancelling allocate nothing. It is in at most one wheel.
 */
export class WheelTimer {
  /** @internal neighbours in the slot's ring; itself when it is in none */
  _next: WheelTimer = this;
  /** @internal */
  _previous: WheelTimer = this;
  /** @internal the tick at whose beginning it fires */
  _dueTick = 0;
  /** @internal */
  _wheel: TimerWheel | undefined = undefined;
  /** @internal */
  readonly _onExpire: (timer: WheelTimer) => void;

  /** @param onExpire called by `advance`, after the timer left the wheel: it may schedule itself again. */
  constructor(onExpire: (timer: WheelTimer) => void) {
    if (typeof onExpire !== "function") {
      throw new AllocError(
        "TZ_ALLOC_OPTION",
        `WheelTimer: onExpire must be a function, got ${shown(onExpire)}`,
      );
    }
    this._onExpire = onExpire;
  }

  /** True from `schedule` until it fires or is cancelled. */
  get scheduled(): boolean {
    return this._wheel !== undefined;
  }
}

const ignore = (): void => {};

/**
 * A hierarchical timer wheel (Varghese and Lauck, 1987, scheme 7).
 *
 * ```
 *  level 0   [ ][•][ ][ ] … [ ]     a slot is one tick             now + 1 … S-1 ticks
 *  level 1   [ ][ ][•][ ] … [ ]     a slot is S ticks              … S² - 1
 *  level 2   [ ][ ][ ][ ] … [•]     a slot is S² ticks             … S³ - 1     and so on to 32 bits
 *                    │
 *                    ▼  when time reaches a slot of an upper level, its timers move down
 *             slot ─▶ timer ⇄ timer ⇄ timer ─▶ back to the slot
 * ```
 *
 * `schedule` and `cancel` are O(1). A timer moves down at most once a level, so a tick costs what fires in it;
 * a bitmap per level jumps over empty slots, so an idle hour costs nothing either.
 */
export class TimerWheel {
  readonly tickMs: number;
  readonly #now: () => number;
  readonly #startMs: number;
  readonly #slots: number;
  readonly #bits: number;
  readonly #levels: number;
  /** Ticks that a slot of each level covers. */
  readonly #span: number[] = [];
  /** Level-major: the ring heads, `levels * slots` of them. */
  readonly #heads: WheelTimer[] = [];
  /** One bit a slot; set when a timer comes in, cleared lazily when the slot is seen empty. */
  readonly #occupied: Int32Array;
  /** Every timer due at or before this tick has fired. */
  #tick = 0;
  /** No timer may be due before this; ahead of `#tick` while `advance` runs, so that it cannot feed itself. */
  #earliestTick = 1;
  #size = 0;
  #advancing = false;

  /** @throws AllocError `TZ_ALLOC_OPTION` */
  constructor(options: TimerWheelOptions = {}) {
    refuseUnknown("TimerWheel", options, ["tickMs", "slots", "now"]);
    const rules = ALLOC_OPTIONS.TimerWheel;
    this.tickMs = numberOption("TimerWheel", "tickMs", options.tickMs, rules.tickMs);
    this.#slots = numberOption("TimerWheel", "slots", options.slots, rules.slots);
    this.#now = functionOption("TimerWheel", "now", options.now, () => performance.now());
    this.#bits = Math.log2(this.#slots);
    // Slot indexes are taken from the low 32 bits of the tick number, as many levels as fit.
    this.#levels = Math.floor(32 / this.#bits);
    for (let level = 0; level < this.#levels; level++) this.#span.push(this.#slots ** level);
    for (let i = 0; i < this.#levels * this.#slots; i++) this.#heads.push(new WheelTimer(ignore));
    this.#occupied = new Int32Array(Math.ceil((this.#levels * this.#slots) / 32));
    this.#startMs = this.#now();
  }

  /** Timers in the wheel. */
  get size(): number {
    return this.#size;
  }

  /**
   * Fires `timer` once, `delayMs` from the clock's now: never earlier, at most one tick later (plus the wait for
   * `advance`). A timer that is scheduled already is moved. O(1), no allocation.
   *
   * @throws AllocError `TZ_ALLOC_SIZE` when the delay is not from 0 to {@link DELAY_MS_MAX}; the timer keeps
   * the place it had.
   */
  schedule(timer: WheelTimer, delayMs: number): void {
    if (!(delayMs >= 0 && delayMs <= DELAY_MS_MAX)) {
      throw new AllocError(
        "TZ_ALLOC_SIZE",
        `TimerWheel: delayMs must be from 0 to ${DELAY_MS_MAX}, got ${shown(delayMs)}`,
      );
    }
    if (timer._wheel !== undefined) timer._wheel.cancel(timer);
    const due = Math.ceil((this.#now() - this.#startMs + delayMs) / this.tickMs);
    timer._dueTick = Math.max(due, this.#earliestTick);
    timer._wheel = this;
    this.#size++;
    this.#insert(timer);
  }

  /** Takes a timer out. O(1). False when it is not in this wheel (it fired, was cancelled, or never was in). */
  cancel(timer: WheelTimer): boolean {
    if (timer._wheel !== this) return false;
    unlink(timer);
    timer._wheel = undefined;
    this.#size--;
    return true;
  }

  /**
   * Fires every timer that is due at `nowMs`, in the order of their ticks, and returns how many.
   *
   * A callback may schedule and cancel any timer, itself too; what it schedules fires in a later call at the
   * earliest, so that a call always ends. A call inside a callback does nothing and returns 0. When a callback
   * throws, the error goes to the caller and the timers after it fire in the next call.
   */
  advance(nowMs: number = this.#now()): number {
    if (this.#advancing) return 0;
    const target = Math.floor((nowMs - this.#startMs) / this.tickMs);
    if (!(target > this.#tick)) return 0;
    this.#advancing = true;
    this.#earliestTick = target + 1;
    let fired = 0;
    let complete = false;
    try {
      while (this.#size > 0) {
        const next = this.#nextEventTick();
        if (next > target) break;
        this.#tick = next;
        complete = false;
        this.#moveDown(next);
        const head = this.#heads[next & (this.#slots - 1)]!;
        while (head._next !== head) {
          const timer = head._next;
          unlink(timer);
          timer._wheel = undefined;
          this.#size--;
          fired++;
          timer._onExpire(timer);
        }
        complete = true;
      }
      this.#tick = target;
      complete = true;
    } finally {
      // A callback threw: step back, so that the next call visits this slot again for the rest of it.
      if (!complete) this.#tick--;
      this.#earliestTick = this.#tick + 1;
      this.#advancing = false;
    }
    return fired;
  }

  /**
   * How long a loop may sleep before it should call `advance`: ms from the clock's now, 0 when something is due,
   * `Infinity` when the wheel is empty. A far timer may ask for a few calls before its time (at most one a
   * level), when it moves down; none is ever late for it.
   */
  nextDelayMs(): number {
    if (this.#size === 0) return Number.POSITIVE_INFINITY;
    const delay = this.#startMs + this.#nextEventTick() * this.tickMs - this.#now();
    return Math.max(0, delay);
  }

  #insert(timer: WheelTimer): void {
    const distance = timer._dueTick - this.#tick;
    let level = 0;
    let tick = timer._dueTick;
    const last = this.#levels - 1;
    while (level < last && distance >= this.#span[level + 1]!) level++;
    // Beyond the last level: as far as it reaches, and again from there.
    const reach = this.#span[last]! * (this.#slots - 1);
    if (level === last && distance > reach) tick = this.#tick + reach;
    const slot = level * this.#slots + ((tick >>> (level * this.#bits)) & (this.#slots - 1));
    const head = this.#heads[slot]!;
    const before = head._previous;
    timer._next = head;
    timer._previous = before;
    before._next = timer;
    head._previous = timer;
    this.#occupied[slot >>> 5]! |= 1 << (slot & 31);
  }

  /** The first tick after `#tick` at which a slot has something to fire or to move down. */
  #nextEventTick(): number {
    let best = Number.POSITIVE_INFINITY;
    for (let level = 0; level < this.#levels; level++) {
      const span = this.#span[level]!;
      const position = Math.floor(this.#tick / span);
      const steps = this.#stepsToOccupied(level, position & (this.#slots - 1));
      if (steps !== 0) best = Math.min(best, (position + steps) * span);
    }
    return best;
  }

  /** Slots from `from` (exclusive) to the next occupied one, 1 … slots; 0 when the level is empty. */
  #stepsToOccupied(level: number, from: number): number {
    const slots = this.#slots;
    const mask = slots - 1;
    const first = level * slots;
    const occupied = this.#occupied;
    for (let step = 1; step <= slots; ) {
      const slot = first + ((from + step) & mask);
      // The rest of this word, never past the end of the level (a level of 16 slots is half a word).
      const word = occupied[slot >>> 5]! >>> (slot & 31);
      const room = Math.min(32 - (slot & 31), slots - ((from + step) & mask));
      if (word === 0) {
        step += room;
        continue;
      }
      const skip = 31 - Math.clz32(word & -word);
      if (skip >= room) {
        step += room;
        continue;
      }
      step += skip;
      if (step > slots) break;
      const found = first + ((from + step) & mask);
      const head = this.#heads[found]!;
      if (head._next !== head) return step;
      occupied[found >>> 5]! &= ~(1 << (found & 31));
      step++;
    }
    return 0;
  }

  /** Empties the slots of the upper levels that begin at `tick` into the levels below. */
  #moveDown(tick: number): void {
    for (let level = this.#levels - 1; level > 0; level--) {
      if (tick % this.#span[level]! !== 0) continue;
      const head = this.#heads[level * this.#slots + ((tick >>> (level * this.#bits)) & (this.#slots - 1))]!;
      let timer = head._next;
      if (timer === head) continue;
      head._next = head;
      head._previous = head;
      while (timer !== head) {
        const next = timer._next;
        this.#insert(timer);
        timer = next;
      }
    }
  }
}

function unlink(timer: WheelTimer): void {
  const next = timer._next;
  const previous = timer._previous;
  previous._next = next;
  next._previous = previous;
  timer._next = timer;
  timer._previous = timer;
}
