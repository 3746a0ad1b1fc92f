import { DECODED_BYTE_MAX, NEEDS_DECODING } from "../byte-matcher.js";
import { QUESTION } from "../path-alphabet.js";

/** A position in the path: a variable of the generated code and a distance from it. */
export interface Position {
  readonly variable: string;
  readonly distance: number;
}

export function at(position: Position, further = 0): string {
  const distance = position.distance + further;
  return distance === 0 ? position.variable : `${position.variable} + ${distance}`;
}

export function moved(position: Position, by: number): Position {
  return { variable: position.variable, distance: position.distance + by };
}

/** How generated code reads a path: as bytes or as a string. */
export interface Dialect {
  readonly functionPrefix: string;
  /** Parameters of a generated function; `i` is where it starts, `e` where the path ends. */
  readonly parameters: string;
  /** Arguments of a call that goes on at `position`. */
  argumentsAt(position: string): string;
  unitAt(position: string): string;
  /** A condition: the path ends at the position. */
  endsAt(position: string): string;
  /** A condition: the path has `label` at the position, its first `known` bytes being checked already. */
  hasLabel(label: Uint8Array, known: number, position: Position, folds: boolean): string;
  /** Statements that set `name` to where the segment, or the path, that goes on at the position ends. */
  segmentEnd(name: string, position: string): string[];
  pathEnd(name: string, position: string): string[];
  /** An expression: 1, 0, or negative when something has to be decoded first. */
  accepts(automaton: string, start: string, end: string): string;
  splits(mixed: string, start: string, end: string, slot: number): string;
}

function isLetter(byte: number): boolean {
  return byte >= 0x61 && byte <= 0x7a;
}

export function isAscii(label: Uint8Array): boolean {
  return label.every((byte) => byte < 0x80);
}

/**
 * Compares four bytes at a time. The reads are laid from the end of the label to its front and may overlap, so
 * that a label of 4 bytes or more never needs a shorter read.
 */
function compareWords(label: Uint8Array, known: number, position: Position, folds: boolean): string {
  const conditions = [`e - ${position.variable} >= ${position.distance + label.length}`];
  if (label.length < 4) {
    for (let i = known; i < label.length; i++)
      conditions.push(compareUnit(`p[${at(position, i)}]`, label[i]!, folds));
    return conditions.join(" && ");
  }
  const words: string[] = [];
  for (let stop = label.length; stop > known; stop -= 4) {
    const start = Math.max(0, stop - 4);
    words.push(compareWord(label, start, position, folds));
  }
  return [...conditions, ...words.reverse()].join(" && ");
}

function compareWord(label: Uint8Array, start: number, position: Position, folds: boolean): string {
  let word = 0;
  let fold = 0;
  for (let i = 0; i < 4; i++) {
    word |= label[start + i]! << (8 * i);
    if (folds && isLetter(label[start + i]!)) fold |= 0x20 << (8 * i);
  }
  const read = `d.getInt32(${at(position, start)}, true)`;
  return `${fold === 0 ? read : `(${read} | ${fold})`} === ${word}`;
}

function compareUnit(unit: string, byte: number, folds: boolean): string {
  return folds && isLetter(byte) ? `(${unit} | 32) === ${byte}` : `${unit} === ${byte}`;
}

export const BYTES: Dialect = {
  functionPrefix: "bytes",
  parameters: "p, d, i, e, b, t, o",
  argumentsAt: (position) => `p, d, ${position}, e, b, t, o`,
  unitAt: (position) => `p[${position}]`,
  endsAt: (position) => `${position} === e || p[${position}] === ${QUESTION}`,
  hasLabel(label, known, position, folds) {
    const condition = compareWords(label, known, position, folds);
    // A raw byte must not pass for the protected form of another character.
    return isAscii(label) ? condition : `t === ${DECODED_BYTE_MAX} && ${condition}`;
  },
  segmentEnd: (name, position) => [
    `const ${name} = scanSegment(p, d, ${position}, e, t);`,
    `if (${name} < 0) return ${NEEDS_DECODING};`,
  ],
  pathEnd: (name, position) => [
    `const ${name} = scanRest(p, d, ${position}, e, t);`,
    `if (${name} < 0) return ${NEEDS_DECODING};`,
  ],
  accepts: (automaton, start, end) => `acceptsBytes(${automaton}, p, ${start}, ${end})`,
  splits: (mixed, start, end, slot) => `${mixed}.match(p, ${start}, ${end}, o, ${slot})`,
};

/** From this length on a native search is faster than comparing character by character (2 ns each). */
const NATIVE_SEARCH_LENGTH = 9;

/** The path ends before its query and has nothing percent-encoded; the labels are ASCII. */
export const TEXT: Dialect = {
  functionPrefix: "text",
  parameters: "p, i, e, b, o",
  argumentsAt: (position) => `p, ${position}, e, b, o`,
  unitAt: (position) => `p.charCodeAt(${position})`,
  endsAt: (position) => `${position} === e`,
  hasLabel(label, known, position, folds) {
    const conditions = [`e - ${position.variable} >= ${position.distance + label.length}`];
    if (!folds && label.length - known >= NATIVE_SEARCH_LENGTH) {
      const text = JSON.stringify(String.fromCharCode(...label));
      return `${conditions[0]} && p.indexOf(${text}, ${at(position)}) === ${at(position)}`;
    }
    for (let i = known; i < label.length; i++) {
      conditions.push(compareUnit(`p.charCodeAt(${at(position, i)})`, label[i]!, folds));
    }
    return conditions.join(" && ");
  },
  segmentEnd: (name, position) => [
    `let ${name} = p.indexOf("/", ${position});`,
    `if (${name} < 0 || ${name} > e) ${name} = e;`,
  ],
  pathEnd: (name) => [`const ${name} = e;`],
  accepts: (automaton, start, end) => `acceptsText(${automaton}, p, ${start}, ${end})`,
  splits: (mixed, start, end, slot) => `${mixed}.matchText(p, ${start}, ${end}, o, ${slot})`,
};
