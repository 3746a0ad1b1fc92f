import { type KeyHash, mix32 } from "./key-hash.js";
import type { Policy, PolicyLimits, Sized } from "./policy.js";

/** A shadow cache holds about so many keys at most: enough to tell settings apart, little to carry. */
const SHADOW_ENTRIES_MAX = 512;
/** Of small caches, so many of the keys are sampled at first. */
const INITIAL_SHIFT = 1;
/** Scores fade by half after so many sampled requests for each key in a shadow. */
const FADE_REQUESTS_AN_ENTRY = 1;
const FADE_REQUESTS_MIN = 256;
/** To leave the first setting, another one's hits must be more by this share; the way back needs no lead. */
const LEAD_MIN = 0.03;

/** Makes the sample independent of the bits that the frequency sketch uses. */
const SAMPLE_SALT = 0x5bd1e995;

export interface Shadow<Setting> {
  readonly setting: Setting;
  /** A policy that holds sizes and no values. */
  readonly make: (limits: PolicyLimits) => Policy<unknown, Sized>;
}

interface Contestant<Setting> {
  readonly setting: Setting;
  readonly make: (limits: PolicyLimits) => Policy<unknown, Sized>;
  policy: Policy<unknown, Sized>;
  score: number;
}

/**
 * Small caches without values, one for each setting in question, that see a sample of the traffic by key, with a
 * budget cut down in proportion (SHARDS, Waldspurger et al., FAST 2015; mini-simulation, Einziger et al., 2018). The
 * setting whose shadow had the most hits lately is the one for the real cache.
 *
 * ```
 *   requests ─▶ hash < 2^32 / 2^shift ? ─▶ shadow A: 312 hits
 *                                       ├▶ shadow B: 355 hits  ◀ winner
 *                                       └▶ shadow C: 117 hits
 * ```
 *
 * The first setting, home, wins until another has shown itself better, and wins again when none is.
 */
export class Tournament<Setting> {
  winner: Setting;
  readonly #limits: PolicyLimits;
  readonly #hashKey: KeyHash<unknown>;
  readonly #contestants: Contestant<Setting>[];
  #shift = INITIAL_SHIFT;
  #requests = 0;

  constructor(
    limits: PolicyLimits,
    hashKey: KeyHash<unknown>,
    shadows: readonly [Shadow<Setting>, ...Shadow<Setting>[]],
  ) {
    this.#limits = limits;
    this.#hashKey = hashKey;
    this.#contestants = shadows.map(({ setting, make }) => ({
      setting,
      make,
      score: 0,
      policy: make(this.#scaled()),
    }));
    this.winner = shadows[0].setting;
  }

  /** Whether a key is in the sample. Once out it stays out. */
  samples(hash: number): boolean {
    return mix32(hash ^ SAMPLE_SALT) >>> (32 - this.#shift) === 0;
  }

  /** A request for a key in the sample; `bytes` when its size is known, because the real cache has it. */
  request(key: unknown, bytes: number | undefined): void {
    for (const contestant of this.#contestants) {
      if (contestant.policy.get(key) !== undefined) contestant.score++;
      else if (bytes !== undefined) this.#store(contestant.policy, key, bytes);
    }
    if (++this.#requests >= this.#fadeRequests()) this.#judge();
  }

  /** A key in the sample was stored in the real cache. */
  stored(key: unknown, bytes: number): void {
    for (const { policy } of this.#contestants)
      if (policy.peek(key)?.bytes !== bytes) this.#store(policy, key, bytes);
    if (this.#contestants.some(({ policy }) => policy.size > SHADOW_ENTRIES_MAX)) this.#narrow();
  }

  deleted(key: unknown): void {
    for (const { policy } of this.#contestants) policy.delete(key);
  }

  clear(): void {
    for (const { policy } of this.#contestants) policy.clear();
  }

  #store(policy: Policy<unknown, Sized>, key: unknown, bytes: number): void {
    if (bytes <= this.#scaled().maxBytes) policy.set(key, { bytes });
    else policy.delete(key);
  }

  #scaled(): PolicyLimits {
    const { maxBytes, maxEntries } = this.#limits;
    const part = 2 ** this.#shift;
    return { maxBytes: Math.ceil(maxBytes / part), maxEntries: Math.ceil(maxEntries / part) };
  }

  #fadeRequests(): number {
    const entries = this.#contestants[0]!.policy.size;
    return Math.max(FADE_REQUESTS_MIN, entries * FADE_REQUESTS_AN_ENTRY);
  }

  #judge(): void {
    const [home] = this.#contestants as [Contestant<Setting>];
    const champion = this.#contestants.find(({ setting }) => setting === this.winner)!;
    const best = this.#contestants.reduce((a, b) => (b.score > a.score ? b : a));
    const leadMin = best === home ? 0 : LEAD_MIN;
    if (best.score > champion.score * (1 + leadMin)) this.winner = best.setting;
    for (const contestant of this.#contestants) contestant.score /= 2;
    this.#requests = 0;
  }

  /** Halves the sample: starts the shadows anew, half as large, with those of their keys that stay in it. */
  #narrow(): void {
    this.#shift++;
    for (const contestant of this.#contestants) {
      const wide = contestant.policy;
      contestant.policy = contestant.make(this.#scaled());
      for (const [key, { bytes }] of wide.entries())
        if (this.samples(this.#hashKey(key))) this.#store(contestant.policy, key, bytes);
    }
  }
}
