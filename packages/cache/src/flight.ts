import { AsyncLocalStorage } from "node:async_hooks";
import type { LoadOutcome } from "./channels.js";
import { CacheError, shown } from "./errors.js";

/** How a loaded value is to be stored. */
export interface StoreOptions {
  /** 0 for ever, or from one second to seven days. Default: the cache's. */
  ttlMs?: number | undefined;
  /** Size of the value. Default: the cache's `sizeOf`. */
  bytes?: number | undefined;
  /** Names under which the entry can be invalidated. */
  tags?: readonly string[] | undefined;
}

export interface LoadContext<V> {
  /** Aborted when nobody wants the value any more: timeout, or the cache is closed. */
  readonly signal: AbortSignal;
  /** The old value, when there is one that may still be used stale. For conditional requests. */
  readonly stale: V | undefined;
  /** May be changed by the loader, for values that bring their own time to live, size or tags. */
  readonly store: StoreOptions;
}

/** Gets a value. `undefined` means that there is none; `null` is a value. */
export type Loader<K, V> = (key: K, context: LoadContext<V>) => V | undefined | Promise<V | undefined>;

/** Which flights wait for each other, from the inside out. */
interface FlightChain {
  readonly flight: Flight<unknown, unknown>;
  readonly outer: FlightChain | undefined;
}

/** Made with the first cache that asks for it: an `AsyncLocalStorage` slows every promise down on older Nodes. */
let chains: AsyncLocalStorage<FlightChain> | undefined;

/**
 * One running load that any number of callers wait for.
 *
 * ```
 *   caller 1 ──▶ start ──▶ loader ──▶ settle ──▶ all callers
 *   caller 2 … n ────────────┘  join
 * ```
 */
export class Flight<K, V> {
  readonly key: K;
  readonly promise: Promise<V | undefined>;
  readonly store: StoreOptions;
  /** Tags that were invalidated while this was under way, and at which count of invalidations. */
  taints: Map<string, number> | undefined;
  /** True while the loader's synchronous part runs: whoever asks for the key now is the loader itself. */
  starting = false;
  /** Set once, when the flight is over. */
  outcome: LoadOutcome | undefined;
  readonly #controller = new AbortController();
  #resolve!: (value: V | undefined) => void;
  #reject!: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(key: K, store: StoreOptions) {
    this.key = key;
    this.store = store;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // A background load has no caller; a rejection that nobody waits for is no crash.
    this.promise.catch(() => {});
  }

  /**
   * Calls the loader. Never throws; what comes out is told to exactly one of the two callbacks, once, and what
   * they return or throw is what the callers get.
   */
  run(
    loader: Loader<K, V>,
    settings: { stale: V | undefined; timeoutMs: number; background: boolean; traced: boolean },
    onValue: (value: V | undefined) => V | undefined,
    onError: (error: unknown) => V | undefined,
  ): void {
    const settle = (outcome: LoadOutcome, finish: () => V | undefined): void => {
      if (this.outcome !== undefined) return;
      this.outcome = outcome;
      clearTimeout(this.#timer);
      try {
        this.#resolve(finish());
      } catch (error) {
        this.#reject(error);
      }
    };
    const fail = (outcome: LoadOutcome, error: unknown): void => settle(outcome, () => onError(error));
    this.#fail = (error) => {
      fail("failed", error);
      this.#controller.abort(error);
    };
    if (settings.timeoutMs > 0) this.#startTimer(settings.timeoutMs, settings.background, fail);
    const context = { signal: this.#controller.signal, stale: settings.stale, store: this.store };
    const start = (): unknown => loader(this.key, context);
    this.starting = true;
    try {
      const started = settings.traced ? this.#traced(start, settings.background) : start();
      this.starting = false;
      Promise.resolve(started as V | undefined).then(
        (value) => settle(value === undefined ? "absent" : "loaded", () => onValue(value)),
        (error) => fail("failed", error),
      );
    } catch (error) {
      this.starting = false;
      fail("failed", error);
    }
  }

  #fail: (error: unknown) => void = () => {};

  /** Ends the flight at once: its callers get the error, its loader the signal. */
  abort(error: Error): void {
    this.#fail(error);
  }

  /** True when a caller that joins now would wait for itself. */
  isAwaitedByCaller(): boolean {
    if (this.starting) return true;
    for (let chain = chains?.getStore(); chain !== undefined; chain = chain.outer)
      if (chain.flight === (this as unknown)) return true;
    return false;
  }

  /** Whether the value carries a tag that was invalidated before the count stood at `joinedAt`. */
  isTainted(joinedAt: number): boolean {
    const { taints } = this;
    return (
      taints !== undefined && (this.store.tags ?? []).some((tag) => (taints.get(tag) ?? Infinity) <= joinedAt)
    );
  }

  #startTimer(
    timeoutMs: number,
    background: boolean,
    fail: (outcome: LoadOutcome, error: unknown) => void,
  ): void {
    this.#timer = setTimeout(() => {
      const message = `the loader of ${shown(this.key)} did not settle within ${timeoutMs} ms`;
      const error = new CacheError("TZ_CACHE_LOAD_TIMEOUT", message);
      fail("timeout", error);
      this.#controller.abort(error);
    }, timeoutMs);
    // Somebody waits for a foreground load, so the process must live to tell him.
    if (background) this.#timer.unref();
  }

  #traced(start: () => unknown, background: boolean): unknown {
    chains ??= new AsyncLocalStorage();
    // A background load is not waited for by whoever happened to start it.
    const outer = background ? undefined : chains.getStore();
    return chains.run({ flight: this as unknown as Flight<unknown, unknown>, outer }, start);
  }
}
