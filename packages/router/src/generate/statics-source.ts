import { NO_MATCH, PATH_END_SLOT } from "../byte-matcher.js";
import type { Leaf, TreeNode } from "../tree.js";
import { SourceLines } from "./source-lines.js";

/**
 * A function gets this many places; the rest go into functions of their own (see function-plan.ts).
 */
const PLACES_MAX = 120;

/**
 * Writes the function that knows the paths without parameters. A string that is one of them can be only one:
 * the characters in which they differ select it, and a single comparison of the whole string decides. That
 * costs a fraction of comparing character by character, and most other paths fail at the first `switch`.
 *
 * ```js
 * function statics(p, e, b, o) {
 *   switch (p.charCodeAt(1)) {
 *     case 117: if (e === 5) { if (p === "/user" && (b & 3) !== 0) { o[0] = e; return 0; } return -1; } …
 * ```
 *
 * A static path precedes every other route that matches it, so its leaf is the answer if it has the method;
 * otherwise (and with a query) the matcher that knows all routes decides.
 */
export class StaticsSource {
  readonly #places: Map<TreeNode, number>;
  readonly #functions: string[] = [];
  #uniqueId = 0;

  constructor(root: TreeNode) {
    this.#places = new Map();
    countPlaces(root, this.#places);
  }

  write(root: TreeNode, name: string): string {
    this.#function(name, root, "");
    return this.#functions.join("\n");
  }

  #function(name: string, node: TreeNode, prefix: string): void {
    const lines = new SourceLines();
    this.#node(lines, node, prefix, PLACES_MAX);
    lines.add(`return ${NO_MATCH};`);
    this.#functions.push(`function ${name}(p, e, b, o) {\n${lines}\n}`);
  }

  #node(lines: SourceLines, node: TreeNode, prefix: string, room: number): void {
    const children = [...node.children.values()].filter((child) => this.#placesIn(child) > 0);
    const { leaf } = node;
    if (leaf !== undefined) {
      if (children.length === 0) this.#leaf(lines, leaf, prefix);
      else
        lines.block(`if (e === ${prefix.length})`, () => {
          this.#leaf(lines, leaf, prefix);
          lines.add(`return ${NO_MATCH};`);
        });
    }
    if (children.length === 1) this.#subtree(lines, children[0]!, prefix, room);
    if (children.length < 2) return;
    lines.block(`switch (p.charCodeAt(${prefix.length}))`, () => {
      for (const child of children) {
        lines.block(`case ${child.label[0]}:`, () => {
          this.#subtree(lines, child, prefix, room / children.length);
          lines.add(`return ${NO_MATCH};`);
        });
      }
    });
  }

  #subtree(lines: SourceLines, node: TreeNode, prefix: string, room: number): void {
    const path = prefix + String.fromCharCode(...node.label);
    if (this.#placesIn(node) <= Math.max(room, 4)) {
      this.#node(lines, node, path, room);
      return;
    }
    const name = `statics${this.#uniqueId++}`;
    this.#function(name, node, path);
    lines.add(`return ${name}(p, e, b, o);`);
  }

  #leaf(lines: SourceLines, leaf: Leaf, path: string): void {
    const condition = `p === ${JSON.stringify(path)} && (b & ${leaf.mask}) !== 0`;
    lines.add(`if (${condition}) { o[${PATH_END_SLOT}] = e; return ${leaf.id}; }`);
  }

  #placesIn(node: TreeNode): number {
    return this.#places.get(node) ?? 0;
  }
}

/** How many paths without parameters lead through each node. */
function countPlaces(node: TreeNode, places: Map<TreeNode, number>): number {
  let count = node.leaf === undefined ? 0 : 1;
  for (const child of node.children.values()) count += countPlaces(child, places);
  // Labels with other bytes match decoded paths only, and those come as bytes.
  if (node.label.some((byte) => byte >= 0x80)) count = 0;
  places.set(node, count);
  return count;
}
