import { RouterError } from "../errors.js";
import { ROUTER_LIMITS } from "../options.js";
import { type CodePointRange, invertRanges } from "./code-points.js";

/** A regular expression in the sense of the theory: what an automaton can decide in one pass. */
export type Regex =
  | { readonly kind: "ranges"; readonly ranges: readonly CodePointRange[] }
  | { readonly kind: "sequence"; readonly parts: readonly Regex[] }
  | { readonly kind: "choice"; readonly options: readonly Regex[] }
  | { readonly kind: "repeat"; readonly part: Regex; readonly min: number; readonly max: number };

const DIGIT: readonly CodePointRange[] = [[0x30, 0x39]];
const WORD: readonly CodePointRange[] = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
/** ECMA-262 WhiteSpace and LineTerminator. */
const SPACE: readonly CodePointRange[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const LINE_END: readonly CodePointRange[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];

const CLASS_ESCAPES: Readonly<Record<string, readonly CodePointRange[]>> = {
  d: DIGIT,
  D: invertRanges(DIGIT),
  w: WORD,
  W: invertRanges(WORD),
  s: SPACE,
  S: invertRanges(SPACE),
};
const CONTROL_ESCAPES: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, "0": 0 };

/** Groups may nest this deep: the parser calls itself for each. */
const MAX_DEPTH = 50;

/**
 * Reads the part of JavaScript's regular expressions (as with the `u` flag) that is regular: characters, `.`,
 * classes, groups, alternation and repetition. The expression has to match the whole value, so `^` and `$` are
 * allowed at its ends and change nothing, and a lazy quantifier means what the greedy one means.
 *
 * @throws RouterError `TZ_ROUTER_REGEX` for look-around, back-references, `\b`, `\p` and for what cannot be read.
 */
export function parseRegex(source: string): Regex {
  return new RegexReader(source).read();
}

class RegexReader {
  readonly #source: string;
  readonly #chars: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
    this.#chars = Array.from(source);
  }

  read(): Regex {
    const regex = this.#choice();
    if (this.#at < this.#chars.length) this.#fail(`unmatched "${this.#peek()}"`);
    return regex;
  }

  #choice(): Regex {
    if (++this.#depth > MAX_DEPTH) this.#fail(`groups nest deeper than ${MAX_DEPTH}`);
    const options = [this.#sequence()];
    while (this.#take("|")) options.push(this.#sequence());
    this.#depth--;
    return options.length === 1 ? options[0]! : { kind: "choice", options };
  }

  #sequence(): Regex {
    const parts: Regex[] = [];
    // Only here is an anchor always true when the whole value has to match.
    const top = this.#depth === 1;
    if (top) this.#take("^");
    for (;;) {
      const next = this.#peek();
      if (next === undefined || next === "|" || next === ")") break;
      if (next === "$" && top) {
        const after = this.#chars[this.#at + 1];
        if (after === undefined || after === "|") {
          this.#at++;
          break;
        }
      }
      parts.push(this.#quantified(this.#atom()));
    }
    return parts.length === 1 ? parts[0]! : { kind: "sequence", parts };
  }

  #atom(): Regex {
    const char = this.#next();
    switch (char) {
      case "(":
        return this.#group();
      case "[":
        return { kind: "ranges", ranges: this.#class() };
      case ".":
        return { kind: "ranges", ranges: invertRanges(LINE_END) };
      case "\\":
        return { kind: "ranges", ranges: this.#escape() };
      case "^":
      case "$":
        return this.#fail(`"${char}" is allowed at the ends only`);
      case "*":
      case "+":
      case "?":
      case "{":
      case "}":
      case "]":
        return this.#fail(`"${char}" has nothing to act on; write "\\${char}" for the character`);
      default:
        return single(char.codePointAt(0)!);
    }
  }

  #group(): Regex {
    if (this.#take("?")) {
      if (this.#take("<")) {
        if (this.#peek() === "=" || this.#peek() === "!") this.#fail("look-behind is not regular");
        while (this.#next() !== ">") if (this.#peek() === undefined) this.#fail("a group's name has no end");
      } else if (!this.#take(":")) {
        this.#fail("look-ahead and inline flags are not regular");
      }
    }
    const inner = this.#choice();
    if (!this.#take(")")) this.#fail('")" is missing');
    return inner;
  }

  #quantified(part: Regex): Regex {
    const char = this.#peek();
    let min: number;
    let max: number;
    if (char === "*" || char === "+" || char === "?") {
      this.#at++;
      min = char === "+" ? 1 : 0;
      max = char === "?" ? 1 : Number.POSITIVE_INFINITY;
    } else if (char === "{") {
      this.#at++;
      min = this.#number();
      max = min;
      if (this.#take(",")) max = this.#peek() === "}" ? Number.POSITIVE_INFINITY : this.#number();
      if (!this.#take("}")) this.#fail('"{" begins no repetition; write "\\{" for the character');
      if (max < min) this.#fail(`the repetition {${min},${max}} is out of order`);
    } else {
      return part;
    }
    this.#take("?");
    return { kind: "repeat", part, min, max };
  }

  #number(): number {
    let digits = "";
    while (/^[0-9]$/.test(this.#peek() ?? "")) digits += this.#next();
    if (digits === "") this.#fail('"{" begins no repetition; write "\\{" for the character');
    const limit = ROUTER_LIMITS.regexRepeat.value;
    if (Number(digits) > limit) this.#fail(`more than ${limit} repetitions`);
    return Number(digits);
  }

  #class(): readonly CodePointRange[] {
    const negated = this.#take("^");
    const ranges: CodePointRange[] = [];
    for (;;) {
      if (this.#peek() === undefined) this.#fail('"]" is missing');
      if (this.#take("]")) break;
      const low = this.#classAtom();
      const isRange = this.#peek() === "-" && this.#chars[this.#at + 1] !== "]";
      if (!isRange) {
        ranges.push(...low);
        continue;
      }
      this.#at++;
      const high = this.#classAtom();
      ranges.push(this.#span(low, high));
    }
    return negated ? invertRanges(ranges) : ranges;
  }

  #span(low: readonly CodePointRange[], high: readonly CodePointRange[]): CodePointRange {
    const [from] = low;
    const [to] = high;
    const simple = low.length === 1 && high.length === 1 && from![0] === from![1] && to![0] === to![1];
    if (!simple) this.#fail("a class cannot be the end of a range");
    if (from![0] > to![0]) this.#fail("a range in a class is out of order");
    return [from![0], to![0]];
  }

  #classAtom(): readonly CodePointRange[] {
    const char = this.#next();
    if (char === "\\") return this.#take("b") ? [[8, 8]] : this.#escape();
    const codePoint = char.codePointAt(0)!;
    return [[codePoint, codePoint]];
  }

  #escape(): readonly CodePointRange[] {
    const char = this.#next();
    const set = CLASS_ESCAPES[char];
    if (set !== undefined) return set;
    const codePoint = this.#escapedCodePoint(char);
    return [[codePoint, codePoint]];
  }

  #escapedCodePoint(char: string): number {
    const control = CONTROL_ESCAPES[char];
    if (control !== undefined && !(char === "0" && /^[0-9]$/.test(this.#peek() ?? ""))) return control;
    if (char === "x") return this.#hex(2);
    if (char === "u") {
      if (!this.#take("{")) return this.#hex(4);
      let digits = "";
      while (!this.#take("}")) digits += this.#next();
      const codePoint = /^[0-9a-f]{1,6}$/i.test(digits) ? Number.parseInt(digits, 16) : Number.NaN;
      if (!(codePoint <= 0x10ffff)) this.#fail(`"\\u{${digits}}" is no code point`);
      return codePoint;
    }
    if (/^[1-9k]$/.test(char)) this.#fail("back-references are not regular");
    if (char === "b" || char === "B") this.#fail(`"\\${char}" looks around and is not regular`);
    if (/^[A-Za-z0-9]$/.test(char)) this.#fail(`"\\${char}" is not supported`);
    return char.codePointAt(0)!;
  }

  #hex(length: number): number {
    let digits = "";
    for (let i = 0; i < length; i++) digits += this.#next();
    if (!/^[0-9a-f]+$/i.test(digits)) this.#fail(`"${digits}" is not hexadecimal`);
    return Number.parseInt(digits, 16);
  }

  #peek(): string | undefined {
    return this.#chars[this.#at];
  }

  #next(): string {
    const char = this.#chars[this.#at++];
    return char ?? this.#fail("it ends too early");
  }

  #take(char: string): boolean {
    if (this.#chars[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #fail(why: string): never {
    throw new RouterError(
      "TZ_ROUTER_REGEX",
      `The regular expression "${this.#source}" cannot be used: ${why}`,
    );
  }
}

function single(codePoint: number): Regex {
  return { kind: "ranges", ranges: [[codePoint, codePoint]] };
}
