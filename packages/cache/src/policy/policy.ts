/** Why a policy let an entry go on its own account. */
export type RemovalReason =
  /** The byte budget was full. */
  | "bytes"
  /** The entry budget was full. */
  | "entries"
  /** The policy judged it less worth keeping than what is there. */
  | "admission"
  /** The same key was set again. */
  | "replaced";

export interface PolicyLimits {
  readonly maxBytes: number;
  readonly maxEntries: number;
}

/** What a policy knows of an entry. */
export interface Sized {
  /** An integer from 1 to `maxBytes`; does not change while the entry is stored. */
  readonly bytes: number;
}

/** Told of each entry that leaves through `set`. Must not call the policy. */
export type OnRemoved<K, E> = (key: K, entry: E, reason: RemovalReason) => void;

/**
 * Who stays when the budget is full. A policy is a whole store: it maps keys to entries and counts their bytes,
 * and knows nothing of time, tags or loading. All implementations run `policy.conformance.ts`, and each is
 * tested against a model of itself made of plain arrays.
 *
 * After every call `bytes <= maxBytes` and `size <= maxEntries`.
 */
export interface Policy<K, E extends Sized> {
  readonly size: number;
  readonly bytes: number;
  /** The entry, and counts as a use of it. */
  get(key: K): E | undefined;
  /** The entry; does not count as a use. */
  peek(key: K): E | undefined;
  /**
   * Stores or replaces, then lets go of whatever is too much. An entry is a new object each time.
   * @returns whether the entry is there afterwards
   */
  set(key: K, entry: E): boolean;
  /** Takes an entry out; `onRemoved` is not told. */
  delete(key: K): boolean;
  clear(): void;
  /** Every entry, the one worth least first. The policy must not be changed meanwhile. */
  entries(): IterableIterator<[key: K, entry: E]>;
}

export type PolicyMaker<K, E extends Sized> = (
  limits: PolicyLimits,
  onRemoved: OnRemoved<K, E>,
) => Policy<K, E>;
