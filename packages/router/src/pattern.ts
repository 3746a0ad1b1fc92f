import { type Constraint, regexConstraint, typeConstraint } from "./constraint.js";
import { RouterError } from "./errors.js";
import { ROUTER_LIMITS } from "./options.js";
import { protectedByte, SLASH } from "./path-alphabet.js";

/** A parameter: its name, and what its value has to be. */
export interface Param {
  readonly name: string;
  readonly constraint: Constraint | undefined;
}

/** Static bytes (decoded, see path-alphabet.ts) or a parameter. */
export type Piece = Uint8Array | Param;

export function isParam(piece: Piece): piece is Param {
  return !(piece instanceof Uint8Array);
}

/**
 * One step of a route through the tree. A parameter takes what is left of its segment, `mixed` splits that
 * rest into several pieces, a wildcard takes what is left of the path.
 *
 * ```
 *   /users/:id/files/v:major.:minor/*rest
 *   └static┘ └param └static─┘└─mixed──┘ └wildcard      (and the slashes between, static)
 * ```
 */
export type Step =
  | { readonly kind: "static"; readonly bytes: Uint8Array }
  | { readonly kind: "param"; readonly param: Param }
  | { readonly kind: "mixed"; readonly pieces: readonly Piece[] }
  | { readonly kind: "wildcard"; readonly name: string };

/** One way to write the pattern's optional parameters out: a path through the tree and the names on it. */
export interface Variant {
  readonly steps: readonly Step[];
  readonly params: readonly Param[];
}

/** The name of `*` without one. */
export const WILDCARD_NAME = "*";

interface Segment {
  readonly pieces: readonly Piece[];
  readonly optional: boolean;
  readonly wildcard: string | undefined;
}

const NAME = /[A-Za-z_$][A-Za-z0-9_$]*/y;
const TYPE = /\(([^()]*)\)/y;
const encoder = new TextEncoder();

/**
 * Reads a pattern into the variants that its optional parameters stand for, the fullest first.
 *
 * @throws RouterError `TZ_ROUTER_PATTERN`, `TZ_ROUTER_PARAM_TYPE` or `TZ_ROUTER_REGEX`, naming the pattern.
 */
export function parsePattern(pattern: string): Variant[] {
  const segments = new PatternReader(pattern).read();
  return expandOptionals(segments).map(toVariant);
}

class PatternReader {
  readonly #pattern: string;
  readonly #names = new Set<string>();
  #at = 0;
  #optionals = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  read(): Segment[] {
    const { patternLength, params } = ROUTER_LIMITS;
    if (typeof this.#pattern !== "string") this.#fail("it is not a string");
    if (this.#pattern.length > patternLength.value)
      this.#fail(`it is longer than ${patternLength.value} characters`);
    if (this.#pattern[0] !== "/") this.#fail('it must start with "/"');
    const segments: Segment[] = [];
    while (this.#at < this.#pattern.length) {
      this.#at++;
      segments.push(this.#segment());
    }
    if (this.#names.size > params.value) this.#fail(`it has more than ${params.value} parameters`);
    return segments;
  }

  #segment(): Segment {
    if (this.#peek() === "*") return this.#wildcard();
    const pieces: Piece[] = [];
    for (;;) {
      const char = this.#peek();
      if (char === undefined || char === "/") return { pieces, optional: false, wildcard: undefined };
      if (char === ":") {
        if (pieces.length > 0 && isParam(pieces.at(-1)!)) {
          this.#fail("two parameters need text between them");
        }
        pieces.push(this.#param());
        if (this.#peek() === "?") return this.#optional(pieces);
      } else {
        pieces.push(this.#literal());
      }
    }
  }

  #wildcard(): Segment {
    this.#at++;
    NAME.lastIndex = this.#at;
    const name = NAME.exec(this.#pattern)?.[0] ?? "";
    this.#at += name.length;
    if (this.#at < this.#pattern.length) this.#fail("a wildcard must be the last thing in it");
    return { pieces: [], optional: false, wildcard: this.#declare(name === "" ? WILDCARD_NAME : name) };
  }

  #optional(pieces: readonly Piece[]): Segment {
    this.#at++;
    if (pieces.length > 1 || (this.#peek() ?? "/") !== "/") {
      this.#fail("only a parameter that is a whole segment can be optional");
    }
    if (++this.#optionals > ROUTER_LIMITS.optionals.value) {
      this.#fail(`it has more than ${ROUTER_LIMITS.optionals.value} optional parameters`);
    }
    return { pieces, optional: true, wildcard: undefined };
  }

  #param(): Param {
    NAME.lastIndex = ++this.#at;
    const name =
      NAME.exec(this.#pattern)?.[0] ??
      this.#fail('":" is not followed by a name; write %3A for the character');
    this.#at += name.length;
    return { name: this.#declare(name), constraint: this.#constraint() };
  }

  #declare(name: string): string {
    if (name === "__proto__") this.#fail('a parameter cannot be named "__proto__"');
    if (this.#names.has(name)) this.#fail(`the parameter "${name}" occurs twice`);
    this.#names.add(name);
    return name;
  }

  #constraint(): Constraint | undefined {
    const open = this.#peek();
    if (open !== "(" && open !== "{") return undefined;
    try {
      if (open === "{") return regexConstraint(this.#braced());
      TYPE.lastIndex = this.#at;
      const type =
        TYPE.exec(this.#pattern)?.[1] ?? this.#fail('")" is missing, or what it closes is not a type');
      this.#at += type.length + 2;
      return typeConstraint(type);
    } catch (error) {
      if (!(error instanceof RouterError) || error.code === "TZ_ROUTER_PATTERN") throw error;
      throw new RouterError(error.code, `Pattern "${this.#pattern}": ${error.message}`, { cause: error });
    }
  }

  /** The expression between braces: those of a repetition nest, escaped ones and those in a class do not count. */
  #braced(): string {
    const start = ++this.#at;
    let depth = 1;
    let inClass = false;
    for (; this.#at < this.#pattern.length; this.#at++) {
      const char = this.#pattern[this.#at];
      if (char === "\\") this.#at++;
      else if (inClass) inClass = char !== "]";
      else if (char === "[") inClass = true;
      else if (char === "{") depth++;
      else if (char === "}" && --depth === 0) return this.#pattern.slice(start, this.#at++);
    }
    return this.#fail('"}" is missing');
  }

  #literal(): Uint8Array {
    const start = this.#at;
    while (this.#at < this.#pattern.length && !/[/:]/.test(this.#pattern[this.#at]!)) {
      const char = this.#pattern[this.#at]!;
      if (/[*?(){}]/.test(char))
        this.#fail(`"${char}" cannot stand here; write ${percentEncoded(char)} for the character`);
      this.#at++;
    }
    return this.#decoded(this.#pattern.slice(start, this.#at));
  }

  /** Patterns may be written encoded or not: `/café` and `/caf%C3%A9` are one route, as are the paths. */
  #decoded(text: string): Uint8Array {
    if (/\p{Surrogate}/u.test(text)) this.#fail("it contains half of a surrogate pair");
    const raw = encoder.encode(text);
    const bytes: number[] = [];
    for (let i = 0; i < raw.length; i++) {
      if (raw[i] !== 0x25) {
        bytes.push(raw[i]!);
        continue;
      }
      const digits = String.fromCharCode(raw[i + 1] ?? 0, raw[i + 2] ?? 0);
      if (!/^[0-9a-f]{2}$/i.test(digits))
        this.#fail('"%" is not followed by two hexadecimal digits; write %25 for the character');
      const byte = Number.parseInt(digits, 16);
      if (byte > 0xf4) this.#fail(`%${digits} is not UTF-8`);
      bytes.push(protectedByte(byte));
      i += 2;
    }
    return this.#valid(Uint8Array.from(bytes));
  }

  #valid(bytes: Uint8Array): Uint8Array {
    try {
      new TextDecoder("utf-8", { fatal: true }).decode(bytes.filter((byte) => byte < 0xfd));
    } catch {
      this.#fail("its percent-encoding is not UTF-8");
    }
    return bytes;
  }

  #peek(): string | undefined {
    return this.#pattern[this.#at];
  }

  #fail(why: string): never {
    throw new RouterError(
      "TZ_ROUTER_PATTERN",
      `Pattern ${JSON.stringify(this.#pattern)} cannot be used: ${why}`,
    );
  }
}

function percentEncoded(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase()}`;
}

/** All subsets of the optional segments: first all of them, then without the last, …, at the end none. */
function expandOptionals(segments: readonly Segment[]): Segment[][] {
  let expanded: Segment[][] = [[]];
  for (const segment of segments) {
    const longer = expanded.map((before) => [...before, segment]);
    expanded = segment.optional ? longer.flatMap((with_, index) => [with_, expanded[index]!]) : longer;
  }
  return expanded;
}

function toVariant(segments: readonly Segment[]): Variant {
  const steps: Step[] = [];
  const params: Param[] = [];
  let bytes: number[] = [];
  const flush = () => {
    if (bytes.length > 0) steps.push({ kind: "static", bytes: Uint8Array.from(bytes) });
    bytes = [];
  };
  if (segments.length === 0) bytes.push(SLASH);
  for (const { pieces, wildcard } of segments) {
    bytes.push(SLASH);
    const [first, ...others] = pieces;
    if (first instanceof Uint8Array) bytes.push(...first);
    const rest = first === undefined || first instanceof Uint8Array ? others : pieces;
    params.push(...rest.filter(isParam));
    if (wildcard !== undefined) {
      flush();
      steps.push({ kind: "wildcard", name: wildcard });
      params.push({ name: wildcard, constraint: undefined });
    } else if (rest.length === 1) {
      flush();
      steps.push({ kind: "param", param: rest[0] as Param });
    } else if (rest.length > 1) {
      flush();
      steps.push({ kind: "mixed", pieces: rest });
    }
  }
  flush();
  return { steps, params };
}
