import { HEADER } from "./layout.js";
import type { Liveness } from "./thread-identity.js";

const SPINS = 200;
const SLEEP_MS_MIN = 0.05;
const SLEEP_MS_MAX = 1;
/** So long a holder is just busy; after that it is looked at whether it still lives. */
const SUSPECT_MS = 2;

/** What sleeping threads sleep on. Not in the shared memory: `Atomics.wait` refuses a mapping. */
const bed = new Int32Array(new SharedArrayBuffer(4));

/**
 * One writer at a time, in any thread or process, and a holder that is killed does not keep it.
 *
 * ```
 *   lock  0 ──CAS──▶ id and start of the holder's thread ──store──▶ 0
 *                      │ /proc says that it is dead
 *                      ╰──CAS──▶ that of the next ─▶ repairs what `lockDirty` says was left half done
 * ```
 *
 * Id and start go in with one compare-and-swap of 64 bits, so there is no moment at which the lock is held by nobody
 * known, and none at which a live holder looks like a dead one.
 */
export class WriterLock {
  readonly #lock: BigInt64Array;
  readonly #header: Int32Array;
  readonly #liveness: Liveness;
  readonly #self: bigint;

  constructor(header: Int32Array, liveness: Liveness) {
    this.#header = header;
    this.#lock = new BigInt64Array(header.buffer, header.byteOffset + HEADER.lock * 4, 1);
    this.#liveness = liveness;
    const { thread, start } = liveness.self;
    this.#self = (BigInt(start) << 32n) | BigInt(thread);
  }

  /** @returns false when a live holder did not let go in time */
  acquire(waitMs: number): boolean {
    for (let spin = 0; spin < SPINS; spin++) if (this.#take(0n)) return true;
    const startedAtMs = performance.now();
    for (let sleepMs = SLEEP_MS_MIN; ; sleepMs = Math.min(SLEEP_MS_MAX, sleepMs * 2)) {
      if (this.#take(0n)) return true;
      const waitedMs = performance.now() - startedAtMs;
      if (waitedMs >= Math.min(SUSPECT_MS, waitMs) && this.#takeFromDead()) return true;
      if (waitedMs >= waitMs) return false;
      Atomics.wait(bed, 0, 0, sleepMs);
    }
  }

  /** Whether the last holder died, or threw, in the middle of a change. To be asked right after {@link acquire}. */
  get foundDirty(): boolean {
    return Atomics.load(this.#header, HEADER.lockDirty) !== 0;
  }

  /** A change begins: until {@link clean} the structures may contradict each other. */
  soil(): void {
    Atomics.store(this.#header, HEADER.lockDirty, 1);
  }

  clean(): void {
    Atomics.store(this.#header, HEADER.lockDirty, 0);
  }

  release(): void {
    Atomics.store(this.#lock, 0, 0n);
  }

  #take(from: bigint): boolean {
    // Looks before it swaps: waiting must not take the cache line away from the holder.
    return (
      Atomics.load(this.#lock, 0) === from &&
      Atomics.compareExchange(this.#lock, 0, from, this.#self) === from
    );
  }

  #takeFromDead(): boolean {
    const holder = Atomics.load(this.#lock, 0);
    if (holder === 0n) return false;
    const alive = this.#liveness.isAlive(Number(holder & 0xffffffffn), Number(holder >> 32n));
    return !alive && this.#take(holder);
  }
}
