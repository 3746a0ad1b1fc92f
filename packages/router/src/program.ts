import type { MixedSegment } from "./mixed-segment.js";
import type { Automaton } from "./regex/automaton.js";
import type { Edge, TreeNode } from "./tree.js";

/**
 * The tree in one block of integers, for the walk: a step is a few loads from neighbouring memory, whatever the
 * size of the tree. Positions in it take the place of references; 0 means none.
 *
 * ```
 *   node        CHILDREN FIRST SPAN   CHOICE   LEAF METHODS   LENGTH  WORD MASK FOLD  WORD MASK FOLD   REST
 *                  │                   │                       its label: first 8 bytes ─┘            │
 *   words of a longer label ◀─────────────────────────────────────────────────────────────────────────┘
 *   children       └▶ [FIRST … FIRST + SPAN) of (child, distance of its own selecting byte)
 *   choice             KIND TARGET NEXT AHEAD DETAIL CAPTURES ◀┘
 * ```
 *
 * A static child is selected by one byte, then its whole label is compared. The selecting byte may lie ahead of
 * the position: a node that only branches takes no step of its own, its children hang on its parent with longer
 * labels. How far ahead is written where the node is referred to, so that the byte is read while the node is.
 */
export interface Program {
  readonly code: Int32Array;
  readonly automata: readonly Automaton[];
  readonly mixed: readonly MixedSegment[];
  /** How far from the start the byte lies that selects the root's child. */
  readonly rootAhead: number;
  /** How many alternatives can be open at once, at most. */
  readonly openMax: number;
  /** Some static label has other bytes than ASCII. */
  readonly hasWideLabels: boolean;
}

export const CHILDREN = 0;
export const FIRST = 1;
export const SPAN = 2;
export const CHOICE = 3;
export const LEAF = 4;
export const METHODS = 5;
export const LENGTH = 6;
export const WORD_0 = 7;
export const MASK_0 = 8;
export const FOLD_0 = 9;
export const WORD_1 = 10;
export const MASK_1 = 11;
export const FOLD_1 = 12;
export const REST = 13;
const NODE_SIZE = 14;

/** The first node; the place before it is 0, the reference to nothing. */
export const ROOT = NODE_SIZE;

/** Of the three integers for every four bytes of a label. */
export const WORD_SIZE = 3;
/** Bytes of a label that are in its node. */
export const NEAR_BYTES = 8;

export const KIND = 0;
export const TARGET = 1;
export const NEXT = 2;
export const AHEAD = 3;
export const DETAIL = 4;
export const CAPTURES = 5;

export const KIND_PARAM = 0;
export const KIND_CONSTRAINED = 1;
export const KIND_MIXED = 2;
export const KIND_WILDCARD = 3;

/** Writes a tree as a program. */
export function writeProgram(root: TreeNode, caseSensitive: boolean): Program {
  return new ProgramWriter(!caseSensitive).write(root);
}

class ProgramWriter {
  readonly #folds: boolean;
  readonly #code: number[] = new Array(ROOT).fill(0);
  readonly #automata: Automaton[] = [];
  readonly #mixed: MixedSegment[] = [];
  #hasWideLabels = false;

  constructor(folds: boolean) {
    this.#folds = folds;
  }

  write(root: TreeNode): Program {
    const { openMax, ahead } = this.#node(root, root.label);
    return {
      code: Int32Array.from(this.#code),
      automata: this.#automata,
      mixed: this.#mixed,
      rootAhead: ahead,
      openMax,
      hasWideLabels: this.#hasWideLabels,
    };
  }

  #node(node: TreeNode, label: Uint8Array): Written {
    const code = this.#code;
    const at = code.length;
    for (let i = 0; i < NODE_SIZE; i++) code.push(0);
    this.#hasWideLabels ||= label.some((byte) => byte >= 0x80);
    code[at + LENGTH] = label.length;
    [...this.#word(label, 0), ...this.#word(label, 4)].forEach((part, index) => {
      code[at + WORD_0 + index] = part;
    });
    code[at + LEAF] = node.leaf?.id ?? -1;
    code[at + METHODS] = node.leaf?.mask ?? 0;
    if (label.length > NEAR_BYTES) {
      code[at + REST] = code.length;
      for (let i = NEAR_BYTES; i < label.length; i += 4) code.push(...this.#word(label, i));
    }
    const { branch, children } = branchesOf(node);
    const openBelow = Math.max(this.#children(at, branch, children), this.#choices(at, node));
    return { at, ahead: branch.length, openMax: openBelow + node.edges.length + 1 };
  }

  /** Four bytes of a label from `start` on, which of them count, and the bits that fold letters. */
  #word(label: Uint8Array, start: number): [word: number, mask: number, fold: number] {
    let word = 0;
    let mask = 0;
    let fold = 0;
    for (let i = 0; i < 4 && start + i < label.length; i++) {
      const byte = label[start + i]!;
      word |= byte << (8 * i);
      mask |= 0xff << (8 * i);
      if (this.#folds && isLetter(byte)) fold |= 0x20 << (8 * i);
    }
    return [word, mask, fold];
  }

  #children(at: number, branch: Uint8Array, children: ReadonlyMap<number, TreeNode>): number {
    if (children.size === 0) return 0;
    const code = this.#code;
    const bytes = [...children.keys()].flatMap((byte) => this.#spellings(byte));
    const first = Math.min(...bytes);
    const span = Math.max(...bytes) - first + 1;
    const table = code.length;
    for (let i = 0; i < 2 * span; i++) code.push(0);
    let openMax = 0;
    for (const [byte, child] of children) {
      const label = Uint8Array.from([...branch, ...child.label]);
      const written = this.#node(child, label);
      openMax = Math.max(openMax, written.openMax);
      for (const spelling of this.#spellings(byte)) {
        code[table + 2 * (spelling - first)] = written.at;
        code[table + 2 * (spelling - first) + 1] = label.length + written.ahead;
      }
    }
    code[at + CHILDREN] = table;
    code[at + FIRST] = first;
    code[at + SPAN] = span;
    return openMax;
  }

  #spellings(byte: number): number[] {
    return this.#folds && isLetter(byte) ? [byte & ~0x20, byte] : [byte];
  }

  /** Edges in their order, then the wildcard, as a chain. */
  #choices(at: number, node: TreeNode): number {
    const code = this.#code;
    let link = at + CHOICE;
    let openMax = 0;
    for (const edge of node.edges) {
      const target = this.#node(edge.target, edge.target.label);
      openMax = Math.max(openMax, target.openMax);
      code[link] = code.length;
      link = code.length + NEXT;
      code.push(...this.#edge(edge, target));
    }
    if (node.wildcard !== undefined) {
      const { id, mask } = node.wildcard.leaf;
      code[link] = code.length;
      code.push(KIND_WILDCARD, id, 0, 0, mask, 1);
    }
    return openMax;
  }

  #edge({ mixed, constraint, captureCount }: Edge, { at, ahead }: Written): number[] {
    if (mixed !== undefined) return [KIND_MIXED, at, 0, ahead, this.#mixed.push(mixed) - 1, captureCount];
    if (constraint === undefined) return [KIND_PARAM, at, 0, ahead, 0, 1];
    return [KIND_CONSTRAINED, at, 0, ahead, this.#automata.push(constraint.automaton) - 1, 1];
  }
}

interface Written {
  readonly at: number;
  /** How far from its position the byte lies that selects a child. */
  readonly ahead: number;
  readonly openMax: number;
}

/** The children of a node, through a single child that does nothing but branch, and the bytes in between. */
function branchesOf(node: TreeNode): { branch: Uint8Array; children: ReadonlyMap<number, TreeNode> } {
  const [only] = node.children.values();
  const passes =
    node.children.size === 1 &&
    only!.children.size > 1 &&
    only!.leaf === undefined &&
    only!.wildcard === undefined &&
    only!.edges.length === 0;
  return passes
    ? { branch: only!.label, children: only!.children }
    : { branch: new Uint8Array(0), children: node.children };
}

function isLetter(byte: number): boolean {
  return byte >= 0x61 && byte <= 0x7a;
}
