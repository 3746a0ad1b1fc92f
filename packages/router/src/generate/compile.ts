import type { ByteMatcher } from "../byte-matcher.js";
import { acceptsBytes, acceptsText } from "../regex/automaton.js";
import { scanRest, scanSegment } from "../scan.js";
import type { TreeNode } from "../tree.js";
import { BYTES, isAscii, TEXT } from "./dialect.js";
import { type Constants, MatcherSource } from "./matcher-source.js";
import { StaticsSource } from "./statics-source.js";

/** Finds the leaf of `text[start, end)`, a path without query and percent signs. */
export type TextMatcher = (
  text: string,
  start: number,
  end: number,
  bit: number,
  offsets: Int32Array,
) => number;
/** Finds the leaf of a path without parameters; `end` is the length of `text`. */
export type StaticMatcher = (text: string, end: number, bit: number, offsets: Int32Array) => number;

export interface CompiledMatchers {
  readonly bytes: ByteMatcher;
  /** Absent when static parts have other characters than ASCII: a string would have to be normalized for them. */
  readonly text: TextMatcher | undefined;
  readonly statics: StaticMatcher;
}

const HELPERS = { acceptsBytes, acceptsText, scanSegment, scanRest };

/** The source of the matchers of a tree, and the constants that it refers to. */
export function writeMatchers(
  root: TreeNode,
  caseSensitive: boolean,
): { source: string; constants: Constants } {
  const constants: Constants = { automata: [], mixed: [] };
  const statics = caseSensitive
    ? new StaticsSource(root).write(root, "statics")
    : "function statics() { return -1; }";
  const source = [
    '"use strict";',
    new MatcherSource(BYTES, caseSensitive, constants).write(root, "bytes"),
    hasAsciiLabels(root)
      ? new MatcherSource(TEXT, caseSensitive, constants).write(root, "text")
      : "let text;",
    statics,
    "return { bytes, text, statics };",
  ].join("\n");
  return { source, constants };
}

/** The matchers of a tree; `undefined` where the process forbids to make functions from strings. */
export function compileMatchers(root: TreeNode, caseSensitive: boolean): CompiledMatchers | undefined {
  const { source, constants } = writeMatchers(root, caseSensitive);
  const names = [
    ...Object.keys(HELPERS),
    ...constants.automata.map((_, index) => `a${index}`),
    ...constants.mixed.map((_, index) => `m${index}`),
  ];
  try {
    const make = new Function(...names, source);
    return make(...Object.values(HELPERS), ...constants.automata, ...constants.mixed);
  } catch (error) {
    // `--disallow-code-generation-from-strings`, or an embedder that does the same.
    if (error instanceof EvalError) return undefined;
    throw error;
  }
}

function hasAsciiLabels(node: TreeNode): boolean {
  const below = [...node.children.values(), ...node.edges.map((edge) => edge.target)];
  return isAscii(node.label) && below.every(hasAsciiLabels);
}
