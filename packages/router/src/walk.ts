import { lowerCase, PERCENT, QUESTION, SLASH } from "./path-alphabet.js";
import { acceptsBytes } from "./regex/automaton.js";
import type { Edge, Leaf, TreeNode } from "./tree.js";

/** No route with this path and method. Non-negative results are the id of a leaf. */
export const NO_MATCH = -1;
/** The path has encoded or non-ASCII bytes: decode it, then ask again. */
export const NEEDS_DECODING = -2;

/** The path to match, and what is written about it. */
export const PATH_END_SLOT = 0;
export const ALLOWED_SLOT = 1;
/** Start and end of each captured parameter follow from here. */
export const FIRST_CAPTURE_SLOT = 2;

/** Bytes above it need decoding first; a decoded path has nothing left to decode. */
export const RAW_BYTE_MAX = 0x7f;
export const DECODED_BYTE_MAX = 0xff;

/**
 * Finds the leaf of `bytes[start, end)`.
 *
 * @param bit the method's bit
 * @param byteMax {@link RAW_BYTE_MAX} or {@link DECODED_BYTE_MAX}
 * @param offsets receives the position where the path ends, the methods that other leaves of this path have
 *   (added to what is there), and the captures
 */
export type ByteMatcher = (
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  bit: number,
  byteMax: number,
  offsets: Int32Array,
) => number;

/**
 * The walk over the tree, in the order that `tree.ts` describes: the definition of what a router answers. The
 * generated matchers (generate.ts) do the same and are tested equal to it. It runs while a table of routes is
 * still new, and always where code generation is forbidden.
 */
export class Walker {
  readonly #root: TreeNode;
  readonly #folds: boolean;
  /** How many nodes were entered since the walker was made. */
  visits = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #end = 0;
  #bit = 0;
  #byteMax = 0;
  #offsets: Int32Array = new Int32Array(0);

  constructor(root: TreeNode, caseSensitive: boolean) {
    this.#root = root;
    this.#folds = !caseSensitive;
  }

  readonly match: ByteMatcher = (bytes, _view, start, end, bit, byteMax, offsets) => {
    this.#bytes = bytes;
    this.#end = end;
    this.#bit = bit;
    this.#byteMax = byteMax;
    this.#offsets = offsets;
    return this.#enter(this.#root, start, FIRST_CAPTURE_SLOT);
  };

  #enter(node: TreeNode, at: number, slot: number): number {
    this.visits++;
    const atEnd = this.#isEnd(at);
    let found = NO_MATCH;
    if (!atEnd) found = this.#enterChild(node, at, slot);
    else if (node.leaf !== undefined) found = this.#accept(node.leaf, at);
    if (found === NO_MATCH && !atEnd && node.edges.length > 0) found = this.#tryEdges(node.edges, at, slot);
    if (found === NO_MATCH && node.wildcard !== undefined) {
      this.visits++;
      found = this.#takeRest(node.wildcard.leaf, at, slot);
    }
    return found;
  }

  #enterChild(node: TreeNode, at: number, slot: number): number {
    const child = node.children.get(this.#byteAt(at));
    if (child === undefined || at + child.label.length > this.#end) return NO_MATCH;
    for (let i = 0; i < child.label.length; i++) {
      const byte = this.#byteAt(at + i);
      // A raw byte must not pass for the protected form of another character.
      if (byte !== child.label[i] || byte > this.#byteMax) return NO_MATCH;
    }
    return this.#enter(child, at + child.label.length, slot);
  }

  #tryEdges(edges: readonly Edge[], at: number, slot: number): number {
    const stop = this.#scan(at, SLASH);
    if (stop === NEEDS_DECODING) return NEEDS_DECODING;
    if (stop === at) return NO_MATCH;
    for (const edge of edges) {
      if (!this.#takes(edge, at, stop, slot)) continue;
      const found = this.#enter(edge.target, stop, slot + 2 * edge.captureCount);
      if (found !== NO_MATCH) return found;
    }
    return NO_MATCH;
  }

  #takes(edge: Edge, at: number, stop: number, slot: number): boolean {
    if (edge.mixed !== undefined) return edge.mixed.match(this.#bytes, at, stop, this.#offsets, slot);
    if (edge.constraint !== undefined && !acceptsBytes(edge.constraint.automaton, this.#bytes, at, stop))
      return false;
    this.#capture(slot, at, stop);
    return true;
  }

  #takeRest(leaf: Leaf, at: number, slot: number): number {
    const stop = this.#scan(at, QUESTION);
    if (stop === NEEDS_DECODING) return NEEDS_DECODING;
    this.#capture(slot, at, stop);
    return this.#accept(leaf, stop);
  }

  #accept(leaf: Leaf, at: number): number {
    if ((leaf.mask & this.#bit) !== 0) {
      this.#offsets[PATH_END_SLOT] = at;
      return leaf.id;
    }
    this.#offsets[ALLOWED_SLOT]! |= leaf.mask;
    return NO_MATCH;
  }

  #capture(slot: number, start: number, end: number): void {
    this.#offsets[slot] = start;
    this.#offsets[slot + 1] = end;
  }

  /** Where the path or the segment that begins at `at` ends. */
  #scan(at: number, stopByte: number): number {
    for (let i = at; i < this.#end; i++) {
      const byte = this.#bytes[i]!;
      if (byte === stopByte || byte === QUESTION) return i;
      if (byte === PERCENT || byte > this.#byteMax) return NEEDS_DECODING;
    }
    return this.#end;
  }

  #isEnd(at: number): boolean {
    return at === this.#end || this.#bytes[at] === QUESTION;
  }

  #byteAt(at: number): number {
    const byte = this.#bytes[at]!;
    return this.#folds ? lowerCase(byte) : byte;
  }
}
