import { ROUTER_LIMITS } from "./options.js";
import { lowerCase } from "./path-alphabet.js";
import type { Piece } from "./pattern.js";
import { type Automaton, DEAD, NOT_ASCII, START } from "./regex/automaton.js";

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
  /** For each part and position the number of the last match in which the search failed there. */
  readonly #failedIn: Float64Array;
  #matchNumber = 0;

  constructor(pieces: readonly Piece[], caseSensitive: boolean) {
    this.#parts = toParts(pieces, caseSensitive);
    this.#folds = !caseSensitive;
    this.#searches = this.#parts.some((part) => part.automaton !== undefined);
    this.#failedIn = new Float64Array(this.#searches ? this.#parts.length * (SEARCH_MAX + 1) : 0);
  }

  /**
   * Splits `bytes[start, end)`. On success the captures are in `offsets` from `slot` on, start and end of each.
   */
  match(bytes: Uint8Array, start: number, end: number, offsets: Int32Array, slot: number): 0 | 1 {
    if (!this.#searches) return this.#scan(bytes, start, end, offsets, slot);
    if (end - start > SEARCH_MAX) return 0;
    this.#matchNumber++;
    return this.#search(bytes, start, start, end, offsets, slot, 0);
  }

  /** The same for a string; {@link NOT_ASCII} when it would have to become UTF-8 first. */
  matchText(
    text: string,
    start: number,
    end: number,
    offsets: Int32Array,
    slot: number,
  ): 0 | 1 | typeof NOT_ASCII {
    const length = end - start;
    const bytes = textBytes.length < length ? new Uint8Array(length) : textBytes;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(start + i);
      if (code > 0x7f) return NOT_ASCII;
      bytes[i] = code;
    }
    const matches = this.match(bytes, 0, length, offsets, slot);
    for (let i = 0; i < 2 * this.#parts.length; i++) offsets[slot + i]! += start;
    return matches;
  }

  #scan(bytes: Uint8Array, start: number, end: number, offsets: Int32Array, slot: number): 0 | 1 {
    const parts = this.#parts;
    let at = start;
    for (let i = 0; i < parts.length; i++) {
      const { text, last } = parts[i]!;
      let stop = last ? end - text.length : at + 1;
      if (stop <= at) return 0;
      if (last) {
        if (!this.#isAt(bytes, stop, text)) return 0;
      } else {
        const stopMax = end - text.length;
        while (stop <= stopMax && !this.#isAt(bytes, stop, text)) stop++;
        if (stop > stopMax) return 0;
      }
      offsets[slot + 2 * i] = at;
      offsets[slot + 2 * i + 1] = stop;
      at = stop + text.length;
    }
    return 1;
  }

  #search(
    bytes: Uint8Array,
    segmentStart: number,
    at: number,
    end: number,
    offsets: Int32Array,
    slot: number,
    index: number,
  ): 0 | 1 {
    const memo = index * (SEARCH_MAX + 1) + (at - segmentStart);
    if (this.#failedIn[memo] === this.#matchNumber) return 0;
    const { text, last, automaton } = this.#parts[index]!;
    const stopMax = end - text.length;
    let state = START;
    for (let stop = at + 1; stop <= stopMax; stop++) {
      if (automaton !== undefined) {
        state = step(automaton, state, bytes[stop - 1]!);
        if (state === DEAD) break;
      }
      if (last && stop < stopMax) continue;
      if (!this.#isAt(bytes, stop, text)) continue;
      if (automaton !== undefined && automaton.accepting[state] === 0) continue;
      const next = stop + text.length;
      if (last || this.#search(bytes, segmentStart, next, end, offsets, slot, index + 1) === 1) {
        offsets[slot + 2 * index] = at;
        offsets[slot + 2 * index + 1] = stop;
        return 1;
      }
    }
    this.#failedIn[memo] = this.#matchNumber;
    return 0;
  }

  /** `text` is at `at`, where there is room for it. */
  #isAt(bytes: Uint8Array, at: number, text: Uint8Array): boolean {
    for (let i = 0; i < text.length; i++) {
      const byte = bytes[at + i]!;
      if (byte !== text[i] && !(this.#folds && lowerCase(byte) === text[i])) return false;
    }
    return true;
  }
}

const textBytes = new Uint8Array(256);
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
