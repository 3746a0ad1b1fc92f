import { defaultKeyHash, type KeyHash } from "./key-hash.js";
import type { OnRemoved, Policy, PolicyLimits, Sized } from "./policy.js";
import { type SieveMode, SievePolicy } from "./sieve.js";
import { Tournament } from "./tournament.js";
import { WTinyLfuPolicy } from "./w-tinylfu.js";

/** An entry that remembers whether its key is in the sample, so that a hit need not hash the key again. */
export interface Sampled extends Sized {
  sampled: boolean;
}

export interface AdaptiveOptions<K> {
  readonly hashKey?: KeyHash<K> | undefined;
  /** From 0 to 1, as `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/**
 * A policy with a setting, and a tournament of shadow caches that chooses it. What the policy is good at it keeps;
 * where its rule fails (a loop for SIEVE, a hot set that changes as a whole for both) another setting takes over
 * after some hundred requests.
 */
export class AdaptivePolicy<K, E extends Sampled, Setting> implements Policy<K, E> {
  readonly #policy: Policy<K, E>;
  readonly #tournament: Tournament<Setting>;
  readonly #hashKey: KeyHash<K>;
  readonly #apply: (setting: Setting) => void;
  #setting: Setting;

  constructor(
    policy: Policy<K, E>,
    tournament: Tournament<Setting>,
    hashKey: KeyHash<K>,
    apply: (setting: Setting) => void,
  ) {
    this.#policy = policy;
    this.#tournament = tournament;
    this.#hashKey = hashKey;
    this.#apply = apply;
    this.#setting = tournament.winner;
  }

  /** What the tournament chose last. */
  get setting(): Setting {
    return this.#setting;
  }

  get size(): number {
    return this.#policy.size;
  }

  get bytes(): number {
    return this.#policy.bytes;
  }

  get(key: K): E | undefined {
    const entry = this.#policy.get(key);
    if (entry === undefined) {
      if (this.#samples(key)) this.#request(key, undefined);
    } else if (entry.sampled) {
      entry.sampled = this.#samples(key);
      if (entry.sampled) this.#request(key, entry.bytes);
    }
    return entry;
  }

  peek(key: K): E | undefined {
    return this.#policy.peek(key);
  }

  set(key: K, entry: E): boolean {
    entry.sampled = this.#samples(key);
    if (entry.sampled) this.#tournament.stored(key, entry.bytes);
    return this.#policy.set(key, entry);
  }

  delete(key: K): boolean {
    if (this.#samples(key)) this.#tournament.deleted(key);
    return this.#policy.delete(key);
  }

  clear(): void {
    this.#tournament.clear();
    this.#policy.clear();
  }

  entries(): IterableIterator<[K, E]> {
    return this.#policy.entries();
  }

  #samples(key: K): boolean {
    return this.#tournament.samples(this.#hashKey(key));
  }

  #request(key: K, bytes: number | undefined): void {
    this.#tournament.request(key, bytes);
    if (this.#tournament.winner === this.#setting) return;
    this.#setting = this.#tournament.winner;
    this.#apply(this.#setting);
  }
}

const nobody = (): void => {};

/** The first is where it starts: plain LRU until another mode has shown itself better. */
const SIEVE_MODES = ["lru", "sieve", "retain"] as const;

/** `policy: "sieve"` of {@link ByteCache}: SIEVE, or one of the two other modes of its queue where they do better. */
export function adaptiveSieve<K, E extends Sampled>(
  limits: PolicyLimits,
  onRemoved: OnRemoved<K, E>,
  options: AdaptiveOptions<K> = {},
): AdaptivePolicy<K, E, SieveMode> {
  const { random } = options;
  const hashKey = options.hashKey ?? defaultKeyHash();
  const policy = new SievePolicy<K, E>(limits, onRemoved, { random, mode: SIEVE_MODES[0] });
  const [first, ...others] = SIEVE_MODES.map((mode) => ({
    setting: mode,
    make: (scaled: PolicyLimits) => new SievePolicy<unknown, Sized>(scaled, nobody, { mode, random }),
  }));
  const tournament = new Tournament<SieveMode>(limits, hashKey as KeyHash<unknown>, [first!, ...others]);
  return new AdaptivePolicy(policy, tournament, hashKey, (mode) => {
    policy.mode = mode;
  });
}

/** All, which is LRU, to start with; the authors' best for most traffic; and a middle one. */
const WINDOW_SHARES = [1, 0.01] as const;

/** `policy: "w-tinylfu"` of {@link ByteCache}: W-TinyLFU with the window that does best. */
export function adaptiveWTinyLfu<K, E extends Sampled>(
  limits: PolicyLimits,
  onRemoved: OnRemoved<K, E>,
  options: AdaptiveOptions<K> = {},
): AdaptivePolicy<K, E, number> {
  const { random } = options;
  const hashKey = options.hashKey ?? defaultKeyHash();
  const policy = new WTinyLfuPolicy<K, E>(limits, onRemoved, {
    hashKey,
    random,
    windowShare: WINDOW_SHARES[0],
  });
  const [first, ...others] = WINDOW_SHARES.map((windowShare) => ({
    setting: windowShare as number,
    make: (scaled: PolicyLimits) =>
      new WTinyLfuPolicy<unknown, Sized>(scaled, nobody, {
        hashKey: hashKey as KeyHash<unknown>,
        random,
        windowShare,
      }),
  }));
  const tournament = new Tournament<number>(limits, hashKey as KeyHash<unknown>, [first!, ...others]);
  return new AdaptivePolicy(policy, tournament, hashKey, (windowShare) => {
    policy.windowShare = windowShare;
  });
}
