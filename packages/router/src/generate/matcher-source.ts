import {
  ALLOWED_SLOT,
  FIRST_CAPTURE_SLOT,
  NEEDS_DECODING,
  NO_MATCH,
  PATH_END_SLOT,
} from "../byte-matcher.js";
import type { MixedSegment } from "../mixed-segment.js";
import type { Automaton } from "../regex/automaton.js";
import type { Edge, Leaf, TreeNode } from "../tree.js";
import { at, type Dialect, isAscii, moved, type Position } from "./dialect.js";
import { planFunctions } from "./function-plan.js";
import { SourceLines } from "./source-lines.js";

/** What generated code uses by name: `a0`, `a1`, … and `m0`, `m1`, … */
export interface Constants {
  readonly automata: Automaton[];
  readonly mixed: MixedSegment[];
}

/**
 * Writes the tree out as code: static labels become comparisons with constants, children a `switch`, and trying
 * the next alternative is falling out of a block. It does what `walk.ts` does, in the same order.
 *
 * ```js
 * if (e - i >= 7 && d.getInt32(i, true) === 1702065455 && …) {          // "/users/"
 *   const s0 = scanSegment(p, i + 7, e, t);                             // :id
 *   if (s0 < 0) return -2;
 *   if (s0 > i + 7) {
 *     o[2] = i + 7; o[3] = s0;
 *     if (s0 === e || p[s0] === 63) { if ((b & 3) !== 0) { o[0] = s0; return 0; } o[1] |= 3; }
 *   }
 * }
 * return -1;
 * ```
 *
 * Nothing in it comes from a pattern but numbers, and in the text dialect the static labels as JSON strings.
 */
export class MatcherSource {
  readonly #dialect: Dialect;
  readonly #folds: boolean;
  readonly #constants: Constants;
  readonly #functions: string[] = [];
  #outlined: ReadonlySet<TreeNode> = new Set();
  #uniqueId = 0;

  constructor(dialect: Dialect, caseSensitive: boolean, constants: Constants) {
    this.#dialect = dialect;
    this.#folds = !caseSensitive;
    this.#constants = constants;
  }

  /** All functions; the last one is the matcher and is called `name`. */
  write(root: TreeNode, name: string): string {
    this.#outlined = planFunctions(root);
    this.#function(name, root, FIRST_CAPTURE_SLOT);
    return this.#functions.join("\n");
  }

  #function(name: string, node: TreeNode, slot: number): void {
    const lines = new SourceLines();
    this.#node(lines, node, { variable: "i", distance: 0 }, slot);
    lines.add(`return ${NO_MATCH};`);
    this.#functions.push(`function ${name}(${this.#dialect.parameters}) {\n${lines}\n}`);
  }

  /** The node's code, here or behind a call. */
  #subtree(lines: SourceLines, node: TreeNode, position: Position, slot: number): void {
    if (!this.#outlined.has(node)) {
      this.#node(lines, node, position, slot);
      return;
    }
    const id = this.#uniqueId++;
    const name = `${this.#dialect.functionPrefix}${id}`;
    this.#function(name, node, slot);
    lines.add(`const r${id} = ${name}(${this.#dialect.argumentsAt(at(position))});`);
    lines.add(`if (r${id} !== ${NO_MATCH}) return r${id};`);
  }

  #node(lines: SourceLines, node: TreeNode, position: Position, slot: number): void {
    if (node.leaf !== undefined) this.#leaf(lines, node.leaf, position);
    this.#children(lines, node, position, slot);
    if (node.edges.length > 0) this.#edges(lines, node.edges, position, slot);
    if (node.wildcard !== undefined) this.#wildcard(lines, node.wildcard.leaf, position, slot);
  }

  #leaf(lines: SourceLines, leaf: Leaf, position: Position): void {
    lines.block(`if (${this.#dialect.endsAt(at(position))})`, () => this.#accept(lines, leaf, at(position)));
  }

  #accept(lines: SourceLines, leaf: Leaf, end: string): void {
    lines.add(`if ((b & ${leaf.mask}) !== 0) { o[${PATH_END_SLOT}] = ${end}; return ${leaf.id}; }`);
    lines.add(`o[${ALLOWED_SLOT}] |= ${leaf.mask};`);
  }

  #children(lines: SourceLines, node: TreeNode, position: Position, slot: number): void {
    const children = [...node.children.values()];
    if (children.length === 0) return;
    if (children.length === 1) {
      this.#child(lines, children[0]!, position, slot, 0);
      return;
    }
    lines.block(`if (${at(position)} < e) switch (${this.#dialect.unitAt(at(position))})`, () => {
      for (const child of children) {
        const byte = child.label[0]!;
        const isLetter = byte >= 0x61 && byte <= 0x7a;
        const upper = this.#folds && isLetter ? ` case ${byte & ~0x20}:` : "";
        lines.block(`case ${byte}:${upper}`, () => {
          this.#child(lines, child, position, slot, 1);
          lines.add("break;");
        });
      }
    });
  }

  #child(lines: SourceLines, child: TreeNode, position: Position, slot: number, known: number): void {
    const enter = () => this.#subtree(lines, child, moved(position, child.label.length), slot);
    if (child.label.length === known && isAscii(child.label)) {
      enter();
      return;
    }
    lines.block(`if (${this.#dialect.hasLabel(child.label, known, position, this.#folds)})`, enter);
  }

  #edges(lines: SourceLines, edges: readonly Edge[], position: Position, slot: number): void {
    const stop = `s${this.#uniqueId++}`;
    lines.block("", () => {
      for (const line of this.#dialect.segmentEnd(stop, at(position))) lines.add(line);
      lines.block(`if (${stop} > ${at(position)})`, () => {
        for (const edge of edges) this.#edge(lines, edge, at(position), stop, slot);
      });
    });
  }

  #edge(lines: SourceLines, edge: Edge, start: string, stop: string, slot: number): void {
    const enter = () => {
      this.#subtree(lines, edge.target, { variable: stop, distance: 0 }, slot + 2 * edge.captureCount);
    };
    if (edge.mixed !== undefined) {
      const mixed = this.#constant("m", this.#constants.mixed, edge.mixed);
      this.#when(lines, this.#dialect.splits(mixed, start, stop, slot), enter);
      return;
    }
    const capture = `o[${slot}] = ${start}; o[${slot + 1}] = ${stop};`;
    if (edge.constraint === undefined) {
      lines.add(capture);
      enter();
      return;
    }
    const automaton = this.#constant("a", this.#constants.automata, edge.constraint.automaton);
    this.#when(lines, this.#dialect.accepts(automaton, start, stop), () => {
      lines.add(capture);
      enter();
    });
  }

  /** `body` runs when `expression` is 1. */
  #when(lines: SourceLines, expression: string, body: () => void): void {
    const result = `k${this.#uniqueId++}`;
    lines.add(`const ${result} = ${expression};`);
    lines.add(`if (${result} < 0) return ${NEEDS_DECODING};`);
    lines.block(`if (${result} === 1)`, body);
  }

  #wildcard(lines: SourceLines, leaf: Leaf, position: Position, slot: number): void {
    const stop = `s${this.#uniqueId++}`;
    lines.block("", () => {
      for (const line of this.#dialect.pathEnd(stop, at(position))) lines.add(line);
      lines.add(`o[${slot}] = ${at(position)}; o[${slot + 1}] = ${stop};`);
      this.#accept(lines, leaf, stop);
    });
  }

  #constant<Constant>(prefix: string, all: Constant[], constant: Constant): string {
    const known = all.indexOf(constant);
    return `${prefix}${known === -1 ? all.push(constant) - 1 : known}`;
  }
}
