import type { MixedSegment } from "../mixed-segment.js";
import { QUESTION } from "../path-alphabet.js";
import type { Automaton } from "../regex/automaton.js";
import type { Edge, Leaf, TreeNode } from "../tree.js";
import { ALLOWED_SLOT, FIRST_CAPTURE_SLOT, NEEDS_DECODING, NO_MATCH, PATH_END_SLOT } from "../walk.js";
import { at, type Dialect, moved, type Position } from "./dialect.js";
import { planFunctions } from "./function-plan.js";
import { SourceLines } from "./source-lines.js";

/** A text matcher gives a path to the byte matcher that it cannot decide. */
export const NEEDS_BYTES = -3;

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
    const unit = this.#dialect.unitAt(at(position));
    lines.block(`if (${at(position)} === e || ${unit} === ${QUESTION})`, () =>
      this.#accept(lines, leaf, at(position)),
    );
  }

  #accept(lines: SourceLines, leaf: Leaf, end: string): void {
    lines.add(`if ((b & ${leaf.mask}) !== 0) { o[${PATH_END_SLOT}] = ${end}; return ${leaf.id}; }`);
    lines.add(`o[${ALLOWED_SLOT}] |= ${leaf.mask};`);
  }

  #children(lines: SourceLines, node: TreeNode, position: Position, slot: number): void {
    const children = [...node.children.values()].filter(
      (child) => this.#dialect.guard(child.label) !== undefined,
    );
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
    const after = moved(position, child.label.length);
    if (child.label.length === known && this.#dialect.guard(child.label) === "") {
      this.#subtree(lines, child, after, slot);
      return;
    }
    const guard = this.#dialect.guard(child.label);
    const condition = this.#dialect.hasLabel(child.label, known, position, this.#folds);
    lines.block(`if (${guard ? `${guard} && ` : ""}${condition})`, () =>
      this.#subtree(lines, child, after, slot),
    );
  }

  #edges(lines: SourceLines, edges: readonly Edge[], position: Position, slot: number): void {
    if (!this.#dialect.splitsMixed && edges.some((edge) => edge.mixed !== undefined)) {
      lines.add(`if (${at(position)} < e) return ${NEEDS_BYTES};`);
      return;
    }
    const stop = `s${this.#uniqueId++}`;
    lines.block("", () => {
      lines.add(`const ${stop} = ${this.#dialect.scanSegment.replace("%", at(position))};`);
      lines.add(`if (${stop} < 0) return ${NEEDS_DECODING};`);
      lines.block(`if (${stop} > ${at(position)})`, () => {
        for (const edge of edges) this.#edge(lines, edge, at(position), stop, slot);
      });
    });
  }

  #edge(lines: SourceLines, edge: Edge, start: string, stop: string, slot: number): void {
    const enter = () => {
      const target = { variable: stop, distance: 0 };
      this.#subtree(lines, edge.target, target, slot + 2 * edge.captureCount);
    };
    if (edge.mixed !== undefined) {
      const index = this.#constants.mixed.push(edge.mixed) - 1;
      lines.block(`if (m${index}.match(p, ${start}, ${stop}, o, ${slot}))`, enter);
      return;
    }
    if (edge.constraint === undefined) {
      lines.add(`o[${slot}] = ${start}; o[${slot + 1}] = ${stop};`);
      enter();
      return;
    }
    const { automata } = this.#constants;
    const known = automata.indexOf(edge.constraint.automaton);
    const index = known === -1 ? automata.push(edge.constraint.automaton) - 1 : known;
    lines.block(`if (${this.#dialect.accepts}(a${index}, p, ${start}, ${stop}))`, () => {
      lines.add(`o[${slot}] = ${start}; o[${slot + 1}] = ${stop};`);
      enter();
    });
  }

  #wildcard(lines: SourceLines, leaf: Leaf, position: Position, slot: number): void {
    const stop = `s${this.#uniqueId++}`;
    lines.block("", () => {
      lines.add(`const ${stop} = ${this.#dialect.scanRest.replace("%", at(position))};`);
      lines.add(`if (${stop} < 0) return ${NEEDS_DECODING};`);
      lines.add(`o[${slot}] = ${at(position)}; o[${slot + 1}] = ${stop};`);
      this.#accept(lines, leaf, stop);
    });
  }
}
