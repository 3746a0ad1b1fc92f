import { AllocError, shown } from "./errors.js";
import { functionOption, refuseUnknown } from "./options.js";

/** Words of an event: somebody waits; how often it happened. */
export const EVENT_WORDS = 2;
const WAITING = 0;
const COUNT = 1;

/** A waiter looks again after this long whatever happens: the notifier may have died before it notified. */
const RECHECK_MS = 100;
/** Without `Atomics.wait`: looks so often before it sleeps at all, then sleeps from … to …. */
const SPINS = 200;
const SLEEP_MS_MIN = 0.05;
const SLEEP_MS_MAX = 2;

/**
 * How workers that do not share a `SharedArrayBuffer` (processes over a mapping) wake each other: an eventfd, a
 * socket, a signal. Without it a waiter looks again every 0.05 to 2 ms.
 */
export interface WakeOptions {
  /** Called after a change when somebody waits for it: wake the other side, whatever it waits for. */
  wake?: () => void;
  /** Blocks until woken or for `timeoutMs`; may return early. */
  sleep?: (timeoutMs: number) => void;
  /** The same without blocking the thread. */
  sleepAsync?: (timeoutMs: number) => Promise<unknown>;
}

type WaitAsync = (
  words: Int32Array,
  index: number,
  value: number,
  timeoutMs: number,
) => { async: false; value: string } | { async: true; value: Promise<string> };

/** @throws AllocError `TZ_ALLOC_OPTION` */
export function wakeOptions(structure: string, given: WakeOptions): WakeOptions {
  refuseUnknown(structure, given, ["wake", "sleep", "sleepAsync"]);
  for (const name of ["wake", "sleep", "sleepAsync"] as const)
    functionOption(structure, name, given[name], undefined);
  return given;
}

/**
 * Something that workers wait for, in shared memory.
 *
 * ```
 *  notifier                               waiter
 *  makes the change                       count = event.count
 *  if (waiting) {                         waiting = 1
 *    waiting = 0; count++; wake           if (the change is there) done
 *  }                                      sleep while event.count == count, RECHECK_MS at most; look again
 * ```
 *
 * All steps are sequentially consistent: either the notifier sees `waiting`, or the waiter sees the change. Who
 * only passes by pays one load. A waiter that dies leaves `waiting` set, for one needless wake; a notifier that
 * dies between change and wake costs the waiter RECHECK_MS.
 */
export class WaitEvent {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #shared: boolean;
  readonly #wake: WakeOptions;

  constructor(words: Int32Array, at: number, wake: WakeOptions) {
    this.#words = words;
    this.#at = at;
    // Atomics.wait works on the memory of threads only.
    this.#shared = words.buffer instanceof SharedArrayBuffer;
    this.#wake = wake;
  }

  /** Call it after the change. */
  notify(): void {
    if (Atomics.load(this.#words, this.#at + WAITING) === 0) return;
    Atomics.store(this.#words, this.#at + WAITING, 0);
    Atomics.add(this.#words, this.#at + COUNT, 1);
    if (this.#shared) Atomics.notify(this.#words, this.#at + COUNT);
    this.#wake.wake?.();
  }

  /** Blocks the thread until `ready` is true, or for `timeoutMs`. Returns what `ready` says at the end. */
  wait(ready: () => boolean, timeoutMs: number): boolean {
    const endMs = checkedEnd(timeoutMs);
    for (let round = 0; ; round++) {
      if (ready()) return true;
      const count = Atomics.load(this.#words, this.#at + COUNT);
      Atomics.store(this.#words, this.#at + WAITING, 1);
      if (ready()) return true;
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) return false;
      this.#block(count, Math.min(leftMs, RECHECK_MS), round);
    }
  }

  /** The same as a promise. */
  async waitAsync(ready: () => boolean, timeoutMs: number): Promise<boolean> {
    const endMs = checkedEnd(timeoutMs);
    for (let round = 0; ; round++) {
      if (ready()) return true;
      const count = Atomics.load(this.#words, this.#at + COUNT);
      Atomics.store(this.#words, this.#at + WAITING, 1);
      if (ready()) return true;
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) return false;
      await this.#sleepAsync(count, Math.min(leftMs, RECHECK_MS), round);
    }
  }

  #block(count: number, timeoutMs: number, round: number): void {
    if (this.#shared) Atomics.wait(this.#words, this.#at + COUNT, count, timeoutMs);
    else if (this.#wake.sleep !== undefined) this.#wake.sleep(timeoutMs);
    else if (round > SPINS) Atomics.wait(ownWord(), 0, 0, Math.min(timeoutMs, pollMs(round)));
  }

  #sleepAsync(count: number, timeoutMs: number, round: number): Promise<unknown> {
    if (this.#shared) return this.#asyncOnWord(count, timeoutMs);
    if (this.#wake.sleepAsync !== undefined) return this.#wake.sleepAsync(timeoutMs);
    // The first looks cost a turn of the event loop each, the later ones a timer.
    if (round < 4) return new Promise((resolve) => setImmediate(resolve));
    return delay(Math.min(timeoutMs, Math.max(1, pollMs(round)))).promise;
  }

  /** A pending `Atomics.waitAsync` does not keep the process alive; the timer beside it does. */
  async #asyncOnWord(count: number, timeoutMs: number): Promise<void> {
    const waitAsync = (Atomics as unknown as { waitAsync: WaitAsync }).waitAsync;
    const waiting = waitAsync(this.#words, this.#at + COUNT, count, timeoutMs);
    if (!waiting.async) return;
    const timer = delay(timeoutMs);
    await Promise.race([waiting.value, timer.promise]);
    timer.clear();
  }
}

function pollMs(round: number): number {
  return Math.min(SLEEP_MS_MAX, SLEEP_MS_MIN * Math.max(1, round - SPINS));
}

function delay(ms: number): { promise: Promise<void>; clear: () => void } {
  let clear = () => {};
  const promise = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    clear = () => {
      clearTimeout(timer);
      resolve();
    };
  });
  return { promise, clear };
}

let sleepingWord: Int32Array | undefined;
/** A word of this thread alone, that nobody ever notifies: waiting on it is sleeping. */
function ownWord(): Int32Array {
  sleepingWord ??= new Int32Array(new SharedArrayBuffer(4));
  return sleepingWord;
}

function checkedEnd(timeoutMs: number): number {
  if (timeoutMs >= 0) return performance.now() + timeoutMs;
  throw new AllocError("TZ_ALLOC_SIZE", `timeoutMs must be from 0 to Infinity, got ${shown(timeoutMs)}`);
}
