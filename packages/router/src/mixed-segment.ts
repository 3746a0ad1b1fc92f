import { ROUTER_LIMITS } from "./options.js";
import { lowerCase } from "./path-alphabet.js";
import type { Piece } from "./pattern.js";
import { type Automaton, DEAD, START } from "./regex/automaton.js";

/**
 * The rest of a segment that parameters and text share, e.g. `:name.:ext` or `:hour(uint)h:minute(uint)m`.
 * It begins with a parameter (text before it is part of the tree), and between two parameters there is text.
 *
 * Every parameter takes as little as it can, at least one byte. Without constraints that is one pass: the first
 * place of each text is always as good as a later one, because it leaves more to the rest, and only the last
 * text is tied to the end. With constraints a later place may be the right one (`:name.:ext{png|jpg}` on
 * `a.b.png`), so there is a search, which remembers where it failed: at most parameters × bytes² / 2 steps, with
 * segments longer than 256 bytes refused.
 */
export class MixedSegment {
  readonly #parts: readonly Part[];
  readonly #folds: boolean;
  readonly #searches: boolean;
  readonly #failed: Uint8Array;

  constructor(pieces: readonly Piece[], caseSensitive: boolean) {
    this.#parts = toParts(pieces, caseSensitive);
    this.#folds = !caseSensitive;
    this.#searches = this.#parts.some((part) => part.automaton !== undefined);
    this.#failed = new Uint8Array(this.#searches ? this.#parts.length * (SEARCH_MAX + 1) : 0);
  }

  /** How many of a long segment's bytes may be searched; Infinity when one pass is enough. */
  get bytesMax(): number {
    return this.#searches ? SEARCH_MAX : Number.POSITIVE_INFINITY;
  }

  /**
   * Splits `bytes[start, end)`. On success the captures are in `offsets` from `slot` on, start and end of each.
   */
  match(bytes: Uint8Array, start: number, end: number, offsets: Int32Array, slot: number): boolean {
    if (!this.#searches) return this.#scan(bytes, start, end, offsets, slot);
    if (end - start > SEARCH_MAX) return false;
    this.#failed.fill(0);
    return this.#search(bytes, start, start, end, offsets, slot, 0);
  }

  #scan(bytes: Uint8Array, start: number, end: number, offsets: Int32Array, slot: number): boolean {
    let at = start;
    for (let i = 0; i < this.#parts.length; i++) {
      const { text, last } = this.#parts[i]!;
      const stop = last ? end - text.length : this.#find(bytes, at + 1, end, text);
      if (stop <= at || !this.#isAt(bytes, stop, end, text)) return false;
      offsets[slot + 2 * i] = at;
      offsets[slot + 2 * i + 1] = stop;
      at = stop + text.length;
    }
    return true;
  }

  /** The first place of `text` from `from` on, -1 when there is none. */
  #find(bytes: Uint8Array, from: number, end: number, text: Uint8Array): number {
    for (let at = from; at + text.length <= end; at++) if (this.#isAt(bytes, at, end, text)) return at;
    return -1;
  }

  #search(
    bytes: Uint8Array,
    segmentStart: number,
    at: number,
    end: number,
    offsets: Int32Array,
    slot: number,
    index: number,
  ): boolean {
    const memo = index * (SEARCH_MAX + 1) + (at - segmentStart);
    if (this.#failed[memo] === 1) return false;
    const { text, last, automaton } = this.#parts[index]!;
    let state = START;
    for (let stop = at + 1; stop <= end; stop++) {
      if (automaton !== undefined) {
        state = step(automaton, state, bytes[stop - 1]!);
        if (state === DEAD) break;
        if (automaton.accepting[state] === 0) continue;
      }
      const next = stop + text.length;
      if (last ? next !== end : next >= end) continue;
      if (!this.#isAt(bytes, stop, end, text)) continue;
      if (last || this.#search(bytes, segmentStart, next, end, offsets, slot, index + 1)) {
        offsets[slot + 2 * index] = at;
        offsets[slot + 2 * index + 1] = stop;
        return true;
      }
    }
    this.#failed[memo] = 1;
    return false;
  }

  #isAt(bytes: Uint8Array, at: number, end: number, text: Uint8Array): boolean {
    if (at + text.length > end) return false;
    for (let i = 0; i < text.length; i++) {
      const byte = bytes[at + i]!;
      if ((this.#folds ? lowerCase(byte) : byte) !== text[i]) return false;
    }
    return true;
  }
}

const SEARCH_MAX = ROUTER_LIMITS.mixedSegmentBytes.value;

/** A parameter and the text behind it, which is empty at most behind the last one. */
interface Part {
  readonly automaton: Automaton | undefined;
  readonly text: Uint8Array;
  readonly last: boolean;
}

function toParts(pieces: readonly Piece[], caseSensitive: boolean): Part[] {
  const parts: Part[] = [];
  pieces.forEach((piece, index) => {
    if (piece instanceof Uint8Array) return;
    const next = pieces[index + 1];
    const given = next instanceof Uint8Array ? next : new Uint8Array(0);
    const text = caseSensitive ? given : given.map(lowerCase);
    parts.push({ automaton: piece.constraint?.automaton, text, last: index + 2 >= pieces.length });
  });
  return parts;
}

function step(automaton: Automaton, state: number, byte: number): number {
  return automaton.next[state * automaton.classCount + automaton.classOf[byte]!]!;
}
