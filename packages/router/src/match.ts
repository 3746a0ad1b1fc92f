import { FIRST_CAPTURE_SLOT, PATH_END_SLOT } from "./byte-matcher.js";
import type { ParamValue } from "./constraint.js";
import { SLASH } from "./path-alphabet.js";
import type { Route } from "./route.js";
import type { Binding } from "./tree.js";
import { asciiText, decodedText } from "./value-text.js";

/**
 * What a match says, and the status that a server answers with when no handler does.
 *
 * - `found`: {@link RouteMatch.route} answers.
 * - `options`: an OPTIONS request that no route answers; the answer is `Allow` alone.
 * - `bad-path`: a `%` without two hexadecimal digits, or bytes that are not UTF-8 (RFC 3986 §2.1).
 * - `not-found`: no route has this path.
 * - `method-not-allowed`: routes have this path, with other methods (RFC 9110 §15.5.6).
 * - `too-long`: the path has more than `maxPathBytes` (RFC 9110 §15.5.15).
 */
export const OUTCOME_STATUS = {
  found: 200,
  options: 204,
  "bad-path": 400,
  "not-found": 404,
  "method-not-allowed": 405,
  "too-long": 414,
} as const;

export type Outcome = keyof typeof OUTCOME_STATUS;

/** What a match that found nothing says. */
export interface Failure {
  readonly outcome: Exclude<Outcome, "found">;
  readonly allow: string;
}

export const NOT_FOUND: Failure = { outcome: "not-found", allow: "" };
export const BAD_PATH: Failure = { outcome: "bad-path", allow: "" };
export const TOO_LONG: Failure = { outcome: "too-long", allow: "" };

/** What the captures point into. */
type Form = 0 | 1 | 2 | 3;
const FORM_NONE = 0;
const FORM_TEXT = 1;
const FORM_BYTES = 2;
const FORM_DECODED = 3;

const NO_VIEW = new DataView(new ArrayBuffer(0));
const SCRATCH_BYTES_MIN = 256;

/**
 * The result of a match, made to be used again: a match writes offsets into it and allocates nothing. What it
 * says is valid until the next match into the same object, and as long as the bytes that were matched are
 * unchanged; strings that were read from it stay valid.
 */
export class RouteMatch<Value = unknown> {
  // A match stores numbers where it can: a store of a reference costs a barrier for the collector.
  #form: Form = FORM_NONE;
  #binding: Binding | undefined;
  /** The string or bytes that the captures point into. */
  #source: string | Uint8Array = "";
  #start = 0;
  #pathEnd = 0;
  #failure: Failure = NOT_FOUND;
  #offsets: Int32Array = new Int32Array(FIRST_CAPTURE_SLOT + 2 * 4);
  #scratch: Uint8Array = new Uint8Array(0);
  #scratchView: DataView = NO_VIEW;
  #view: DataView = NO_VIEW;
  #viewed: Uint8Array | undefined;

  get outcome(): Outcome {
    return this.#form === FORM_NONE ? this.#failure.outcome : "found";
  }

  /** The methods of this path for the field `Allow`, with `method-not-allowed` and `options`; else empty. */
  get allow(): string {
    return this.#form === FORM_NONE ? this.#failure.allow : "";
  }

  /** The length of the path without its query: where the `?` is, counted from the beginning of the target. */
  get pathLength(): number {
    return this.#pathEnd - this.#start;
  }

  /** The route that was found. */
  get route(): Route<Value> | undefined {
    return this.#form === FORM_NONE ? undefined : (this.#binding!.route as Route<Value>);
  }

  /** What was added with that route. */
  get value(): Value | undefined {
    return this.route?.value;
  }

  /** The status of {@link outcome}. */
  get status(): number {
    return OUTCOME_STATUS[this.outcome];
  }

  /** How many parameters have a value. */
  get paramCount(): number {
    return this.#form === FORM_NONE ? 0 : this.#binding!.params.length;
  }

  /** The name of a parameter by its position in the pattern (optional ones that are absent do not count). */
  paramName(index: number): string | undefined {
    return this.#form === FORM_NONE ? undefined : this.#binding!.params[index]?.name;
  }

  /**
   * A parameter's value, percent-decoded once, by name or position. `undefined` when there is none.
   * Makes one string a call.
   */
  param(key: string | number): string | undefined {
    const index = this.#indexOf(key);
    if (index < 0) return undefined;
    return this.#textOf(index);
  }

  /** A parameter's value in its type: a number for `(int)`, `(uint)`, `(number)`, a boolean for `(bool)`. */
  typed(key: string | number): ParamValue | undefined {
    const index = this.#indexOf(key);
    if (index < 0) return undefined;
    const convert = this.#binding!.params[index]!.constraint?.convert;
    const text = this.#textOf(index);
    return convert === undefined ? text : convert(text);
  }

  /** All parameters with their typed values; `Route.params` gives them their static types. */
  params(): Record<string, ParamValue> {
    const values: Record<string, ParamValue> = {};
    const { paramCount } = this;
    for (let index = 0; index < paramCount; index++) values[this.paramName(index)!] = this.typed(index)!;
    return values;
  }

  /**
   * The segments of a wildcard's value, each percent-decoded once: unlike in the value, a `/` inside of one is
   * an encoded one.
   */
  segments(key: string | number): string[] | undefined {
    const index = this.#indexOf(key);
    if (index < 0) return undefined;
    const slot = FIRST_CAPTURE_SLOT + 2 * index;
    const stop = this.#offsets[slot + 1]!;
    const segments: string[] = [];
    for (let start = this.#offsets[slot]!; start <= stop; ) {
      const end = this.#slashFrom(start, stop);
      segments.push(this.#between(start, end));
      start = end + 1;
    }
    return segments;
  }

  /**
   * Start of a parameter's raw value in what was matched; with {@link paramEnd} it allows to compare or parse
   * without a string. -1 when the path was decoded and the value exists only as {@link param}.
   */
  paramStart(index: number): number {
    return this.#rawOffset(index, 0);
  }

  /** End of a parameter's raw value, see {@link paramStart}. */
  paramEnd(index: number): number {
    return this.#rawOffset(index, 1);
  }

  /** Forgets the result and lets go of the path. */
  reset(): void {
    this.fail(NOT_FOUND, 0);
    this.#binding = undefined;
    this.#source = "";
    this.#viewed = undefined;
    this.#view = NO_VIEW;
  }

  /** @internal Where a matcher writes. */
  offsetsFor(captureCountMax: number): Int32Array {
    const length = FIRST_CAPTURE_SLOT + 2 * captureCountMax;
    if (this.#offsets.length < length) this.#offsets = new Int32Array(length);
    return this.#offsets;
  }

  /** @internal The memory of `bytes`, made only when they are not those of the match before. */
  viewOf(bytes: Uint8Array): DataView {
    if (bytes !== this.#viewed) {
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      this.#viewed = bytes;
    }
    return this.#view;
  }

  /** @internal Memory of this match for a decoded or copied path. */
  scratchFor(byteLength: number): Uint8Array {
    if (this.#scratch.length < byteLength) {
      this.#scratch = new Uint8Array(2 ** Math.ceil(Math.log2(Math.max(byteLength, SCRATCH_BYTES_MIN))));
      this.#scratchView = new DataView(this.#scratch.buffer);
    }
    return this.#scratch;
  }

  /** @internal */
  get scratchView(): DataView {
    return this.#scratchView;
  }

  /** @internal A match of a string without anything encoded. */
  foundInText(binding: Binding, text: string): void {
    this.#form = FORM_TEXT;
    this.#binding = binding;
    this.#source = text;
    this.#start = 0;
    this.#pathEnd = this.#offsets[PATH_END_SLOT]!;
  }

  /** @internal A match of bytes without anything encoded. */
  foundInBytes(binding: Binding, bytes: Uint8Array, start: number): void {
    this.#form = FORM_BYTES;
    this.#binding = binding;
    if (this.#source !== bytes) this.#source = bytes;
    this.#start = start;
    this.#pathEnd = this.#offsets[PATH_END_SLOT]!;
  }

  /** @internal A match of the decoded path in the scratch memory. */
  foundDecoded(binding: Binding, pathLength: number): void {
    this.#form = FORM_DECODED;
    this.#binding = binding;
    this.#source = this.#scratch;
    this.#start = 0;
    this.#pathEnd = pathLength;
  }

  /** @internal No route answers. */
  fail(failure: Failure, pathLength: number): void {
    this.#form = FORM_NONE;
    this.#failure = failure;
    this.#start = 0;
    this.#pathEnd = pathLength;
  }

  #indexOf(key: string | number): number {
    if (this.#form === FORM_NONE) return -1;
    const { params } = this.#binding!;
    if (typeof key === "number") return params[key] === undefined ? -1 : key;
    for (let index = 0; index < params.length; index++) if (params[index]!.name === key) return index;
    return -1;
  }

  #rawOffset(index: number, which: 0 | 1): number {
    if (this.#form === FORM_DECODED || this.#indexOf(index) < 0) return -1;
    return this.#offsets[FIRST_CAPTURE_SLOT + 2 * index + which]!;
  }

  #textOf(index: number): string {
    const slot = FIRST_CAPTURE_SLOT + 2 * index;
    return this.#between(this.#offsets[slot]!, this.#offsets[slot + 1]!);
  }

  #between(start: number, end: number): string {
    const source = this.#source;
    if (typeof source === "string") return source.slice(start, end);
    return this.#form === FORM_DECODED ? decodedText(source, start, end) : asciiText(source, start, end);
  }

  #slashFrom(start: number, stop: number): number {
    const source = this.#source;
    for (let i = start; i < stop; i++) {
      if ((typeof source === "string" ? source.charCodeAt(i) : source[i]) === SLASH) return i;
    }
    return stop;
  }
}
