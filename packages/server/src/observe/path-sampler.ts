import type { RequestHead } from "@tz/http1";

/** Paths that are counted at a time. */
const PATHS_MAX = 512;
const SAMPLES_PER_SECOND = 500;
/** A count that is multiplied by this each second, and gets `r` more, settles at 60 `r`. */
const FADE = 1 - 1 / 60;
const FORGOTTEN = 0.5;
const QUESTION_MARK = 0x3f;
const SHOWN_BYTES_MAX = 240;

/**
 * Which paths are asked for most, of late. Of many requests only every n-th is looked at and counts for n, so that
 * the cost per request goes down as the rate goes up. When too many paths are counted all lose alike (Misra & Gries,
 * 1982): what is asked for often stays.
 */
export class PathSampler {
  readonly #counts = new Map<string, number>();
  #every = 1;
  #left = 1;
  #samples = 0;

  note(head: RequestHead): void {
    if (--this.#left > 0) return;
    this.#left = this.#every;
    this.#samples++;
    this.#count(pathOf(head), this.#every);
  }

  #count(path: string, weight: number): void {
    const counts = this.#counts;
    const before = counts.get(path);
    if (before !== undefined || counts.size < PATHS_MAX) {
      counts.set(path, (before ?? 0) + weight);
      return;
    }
    for (const [name, count] of counts) {
      if (count > weight) counts.set(name, count - weight);
      else counts.delete(name);
    }
  }

  /** To be called once a second. */
  fade(): void {
    this.#every = Math.max(1, Math.round((this.#samples * this.#every) / SAMPLES_PER_SECOND));
    this.#left = Math.min(this.#left, this.#every);
    this.#samples = 0;
    for (const [path, count] of this.#counts) {
      const rest = count * FADE;
      if (rest > FORGOTTEN) this.#counts.set(path, rest);
      else this.#counts.delete(path);
    }
  }

  /** The most wanted paths first, with their requests per minute. */
  top(n: number): [path: string, perMinute: number][] {
    return [...this.#counts].sort((a, b) => b[1] - a[1]).slice(0, n);
  }
}

/** Without the query, which may hold what is nobody's business. */
function pathOf({ bytes, targetStart, targetEnd }: RequestHead): string {
  const stop = Math.min(targetEnd, targetStart + SHOWN_BYTES_MAX);
  let end = targetStart;
  while (end < stop && bytes[end] !== QUESTION_MARK) end++;
  const path = Buffer.from(bytes.buffer, bytes.byteOffset + targetStart, end - targetStart).toString(
    "latin1",
  );
  return end === stop && stop < targetEnd ? `${path}…` : path;
}
