/** One thing that is still held. */
export interface Leak {
  /** The slot, offset or number of the object. */
  readonly id: number;
  readonly bytes: number;
  /** Where it was allocated, the caller of this package first. */
  readonly stack: string;
  readonly ageMs: number;
  /**
   * True when the garbage collector took the view (or lease) that was handed out for it and nobody asked for
   * another: its holder has most likely forgotten it. False when it may well be in use.
   */
  readonly lost: boolean;
}

interface Entry {
  readonly id: number;
  readonly bytes: number;
  readonly at: Error;
  readonly sinceMs: number;
  lost: boolean;
  handle: WeakRef<object> | undefined;
}

/**
 * Remembers who allocated what, for debug mode; a structure that is not in debug mode has none and pays one
 * comparison with `undefined`.
 *
 * The object that is handed out for an allocation is held weakly and watched with a `FinalizationRegistry`: when
 * it is collected while its memory is still held, the memory is reported as lost.
 */
export class LeakTracker {
  readonly #live = new Map<number, Entry>();
  readonly #registry = new FinalizationRegistry<Entry>((entry) => {
    // The id may have been given back and out again since: only the same holding is lost.
    if (this.#live.get(entry.id) === entry && entry.handle?.deref() === undefined) entry.lost = true;
  });

  /** @param publicFunction what the user called: the stack begins at its caller. */
  allocated(id: number, bytes: number, publicFunction: (...args: never[]) => unknown): void {
    const at = new Error("allocated here");
    Error.captureStackTrace(at, publicFunction);
    this.#live.set(id, { id, bytes, at, sinceMs: performance.now(), lost: false, handle: undefined });
  }

  freed(id: number): void {
    this.#live.delete(id);
  }

  /** The object handed out for `id`: the one that is still in use somewhere, or a new one. */
  handle<T extends object>(id: number, make: () => T): T {
    const entry = this.#live.get(id);
    if (entry === undefined) return make();
    const known = entry.handle?.deref() as T | undefined;
    if (known !== undefined) return known;
    const made = make();
    entry.handle = new WeakRef<object>(made);
    entry.lost = false;
    this.#registry.register(made, entry);
    return made;
  }

  clear(): void {
    this.#live.clear();
  }

  /** Everything that is held: lost first, then oldest first. */
  leaks(): Leak[] {
    const nowMs = performance.now();
    return [...this.#live.values()]
      .map(({ id, bytes, at, sinceMs, lost }) => ({
        id,
        bytes,
        stack: frames(at),
        ageMs: nowMs - sinceMs,
        lost,
      }))
      .sort((a, b) => Number(b.lost) - Number(a.lost) || b.ageMs - a.ageMs);
  }
}

/** Formatting a stack is dear and happens here, when somebody asks. */
function frames(at: Error): string {
  return (at.stack ?? "").split("\n").slice(1).join("\n");
}
