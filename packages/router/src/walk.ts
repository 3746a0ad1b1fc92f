import {
  ALLOWED_SLOT,
  type ByteMatcher,
  FIRST_CAPTURE_SLOT,
  NEEDS_DECODING,
  NO_MATCH,
  PATH_END_SLOT,
  RAW_BYTE_MAX,
} from "./byte-matcher.js";
import { PERCENT, QUESTION, SLASH } from "./path-alphabet.js";
import {
  AHEAD,
  CAPTURES,
  CHILDREN,
  CHOICE,
  DETAIL,
  FIRST,
  FOLD_0,
  FOLD_1,
  KIND,
  KIND_CONSTRAINED,
  KIND_MIXED,
  KIND_WILDCARD,
  LEAF,
  LENGTH,
  MASK_0,
  MASK_1,
  METHODS,
  NEAR_BYTES,
  NEXT,
  type Program,
  REST,
  ROOT,
  SPAN,
  TARGET,
  WORD_0,
  WORD_1,
  WORD_SIZE,
} from "./program.js";
import { acceptsBytes } from "./regex/automaton.js";
import { scanRest } from "./scan.js";

const WORD_HIGH_BITS = 0xc0c0c0c0 | 0;
const WORD_PLAIN_BITS = 0x40404040;
const WORD_TOP = 0x80808080 | 0;

/**
 * Walks a program. This is the matcher for large tables of routes, for those that are still new, and where code
 * generation is forbidden; the generated matchers (generate/) do the same and are tested equal to it.
 *
 * Positions in the path only grow along a way through the tree, and what a step reads follows from the path
 * alone, so each node is entered at one position at most and never twice in a match. Choices that are still
 * open lie on a stack of a size that the tree gives.
 */
export class Walker {
  readonly #program: Program;
  /** Choice, position and slot of each open alternative. */
  readonly #open: Int32Array;
  /** How many nodes the last walk entered. */
  visits = 0;

  constructor(program: Program) {
    this.#program = program;
    this.#open = new Int32Array(3 * (program.openMax + 1));
  }

  readonly match: ByteMatcher = (bytes, view, start, end, bit, byteMax, offsets) =>
    this.#walk(bytes, view, start, end, bit, byteMax, offsets);

  #walk(
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    bit: number,
    byteMax: number,
    offsets: Int32Array,
  ): number {
    const { code, hasWideLabels } = this.#program;
    if (hasWideLabels && byteMax === RAW_BYTE_MAX && hasWideBytes(bytes, start, end)) return NEEDS_DECODING;
    const open = this.#open;
    const nearStartMax = view.byteLength - NEAR_BYTES;
    let node = ROOT;
    let at = start;
    let ahead = start + this.#program.rootAhead;
    let slot = FIRST_CAPTURE_SLOT;
    let openCount = 0;
    let visits = 0;
    for (;;) {
      visits++;
      let choice = code[node + CHOICE]!;
      if (at < end && bytes[at] !== QUESTION) {
        const byte = ahead < end ? bytes[ahead]! : -1;
        const index = byte - code[node + FIRST]!;
        if (index >= 0 && index < code[node + SPAN]!) {
          const entry = code[node + CHILDREN]! + 2 * index;
          const child = code[entry]!;
          const length = code[child + LENGTH]!;
          if (child !== 0 && length <= end - at) {
            const isHere =
              at > nearStartMax
                ? hasLabelAtEdge(code, child, bytes, at)
                : ((((view.getInt32(at, true) | code[child + FOLD_0]!) ^ code[child + WORD_0]!) &
                    code[child + MASK_0]!) |
                    (((view.getInt32(at + 4, true) | code[child + FOLD_1]!) ^ code[child + WORD_1]!) &
                      code[child + MASK_1]!)) ===
                    0 &&
                  (length <= NEAR_BYTES || hasRest(code, child, bytes, view, at));
            if (isHere) {
              if (choice !== 0) {
                open[openCount] = choice;
                open[openCount + 1] = at;
                open[openCount + 2] = slot;
                openCount += 3;
              }
              node = child;
              ahead = at + code[entry + 1]!;
              at += length;
              continue;
            }
          }
        }
      } else {
        const methods = code[node + METHODS]!;
        if ((methods & bit) !== 0) {
          offsets[PATH_END_SLOT] = at;
          this.visits = visits;
          return code[node + LEAF]!;
        }
        offsets[ALLOWED_SLOT]! |= methods;
      }
      // Nothing static: the node's choices, then those of the nodes above.
      for (;;) {
        if (choice === 0) {
          if (openCount === 0) {
            this.visits = visits;
            return NO_MATCH;
          }
          openCount -= 3;
          choice = open[openCount]!;
          at = open[openCount + 1]!;
          slot = open[openCount + 2]!;
        }
        const kind = code[choice + KIND]!;
        const taken = choice;
        choice = code[choice + NEXT]!;
        if (kind === KIND_WILDCARD) {
          visits++;
          const stop = scanRest(bytes, view, at, end, byteMax);
          if (stop < 0) return NEEDS_DECODING;
          const methods = code[taken + DETAIL]!;
          if ((methods & bit) !== 0) {
            offsets[slot] = at;
            offsets[slot + 1] = stop;
            offsets[PATH_END_SLOT] = stop;
            this.visits = visits;
            return code[taken + TARGET]!;
          }
          offsets[ALLOWED_SLOT]! |= methods;
          continue;
        }
        // scanSegment, written out: a call a parameter is a tenth of a match.
        let stop = at;
        for (; stop + 4 <= end; stop += 4) {
          const word = view.getInt32(stop, true);
          if ((word & WORD_HIGH_BITS) === WORD_PLAIN_BITS) continue;
          const slashes = (word | 0x10101010) ^ 0x3f3f3f3f;
          const percents = word ^ 0x25252525;
          const hits =
            (((slashes - 0x01010101) & ~slashes) | ((percents - 0x01010101) & ~percents) | word) & WORD_TOP;
          if (hits === 0) continue;
          stop += (31 - Math.clz32(hits & -hits)) >>> 3;
          break;
        }
        for (; stop < end; stop++) {
          const byte = bytes[stop]!;
          if (byte > 0x3f) {
            if (byte > byteMax) return NEEDS_DECODING;
          } else {
            if (byte === SLASH || byte === QUESTION) break;
            if (byte === PERCENT) return NEEDS_DECODING;
          }
        }
        if (stop === at) continue;
        if (kind !== KIND_MIXED) {
          if (kind === KIND_CONSTRAINED) {
            const automaton = this.#program.automata[code[taken + DETAIL]!]!;
            if (acceptsBytes(automaton, bytes, at, stop) === 0) continue;
          }
          offsets[slot] = at;
          offsets[slot + 1] = stop;
        } else {
          const mixed = this.#program.mixed[code[taken + DETAIL]!]!;
          if (mixed.match(bytes, at, stop, offsets, slot) === 0) continue;
        }
        if (choice !== 0) {
          open[openCount] = choice;
          open[openCount + 1] = at;
          open[openCount + 2] = slot;
          openCount += 3;
        }
        slot += 2 * code[taken + CAPTURES]!;
        at = stop;
        ahead = stop + code[taken + AHEAD]!;
        node = code[taken + TARGET]!;
        break;
      }
    }
  }
}

/** A raw byte must not pass for the protected form of another character in a label. */
function hasWideBytes(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i]! > RAW_BYTE_MAX) return true;
  return false;
}

/** The bytes of a label behind those that are in its node and compared already. */
function hasRest(code: Int32Array, node: number, bytes: Uint8Array, view: DataView, at: number): boolean {
  let word = code[node + REST]!;
  const stop = at + code[node + LENGTH]!;
  for (let i = at + NEAR_BYTES; i < stop; i += 4, word += WORD_SIZE) {
    if (i + 4 > view.byteLength) return hasLabelAtEdge(code, node, bytes, at);
    if ((((view.getInt32(i, true) | code[word + 2]!) ^ code[word]!) & code[word + 1]!) !== 0) return false;
  }
  return true;
}

/** The whole label byte by byte, where a word would reach beyond the memory. */
function hasLabelAtEdge(code: Int32Array, node: number, bytes: Uint8Array, at: number): boolean {
  const length = code[node + LENGTH]!;
  for (let i = 0; i < length; i++) {
    const near = i < NEAR_BYTES;
    const word = (near ? node + WORD_0 : code[node + REST]!) + WORD_SIZE * ((near ? i : i - NEAR_BYTES) >> 2);
    const shift = 8 * (i & 3);
    const byte = (bytes[at + i]! | (code[word + 2]! >>> shift)) & 0xff;
    if (byte !== ((code[word]! >>> shift) & 0xff)) return false;
  }
  return true;
}
