import {
  ALLOWED_SLOT,
  type ByteMatcher,
  DECODED_BYTE_MAX,
  NEEDS_DECODING,
  NO_MATCH,
  RAW_BYTE_MAX,
} from "./byte-matcher.js";
import { BAD_ENCODING, decodeAsciiPath, decodePath, NOT_ASCII } from "./decode-path.js";
import { compileMatchers, type StaticMatcher, type TextMatcher } from "./generate/compile.js";
import { isSmallEnough } from "./generate/function-plan.js";
import { BAD_PATH, NOT_FOUND, type RouteMatch, TOO_LONG } from "./match.js";
import { bitIndex, MethodTable, OTHER_BIT } from "./methods.js";
import type { ResolvedRouterOptions } from "./options.js";
import { PERCENT, QUESTION } from "./path-alphabet.js";
import { writeProgram } from "./program.js";
import type { Binding, Tree } from "./tree.js";
import { Walker } from "./walk.js";

/**
 * After so many walks the tree is written out as code. Making code costs some milliseconds, as much as tens of
 * thousands of walks: a program that starts, or still adds routes, should not pay it.
 */
const WARM_MATCHES = 1000;

/**
 * Longer paths are copied to bytes and matched there. Measured on Node 20: `encodeInto` costs about 30 ns
 * whatever the length, `charCodeAt` 2 ns a character, a byte 0.3 to 0.5 ns.
 */
const TEXT_LENGTH_MAX = 48;

/** The matcher for strings leaves this one to that for bytes. */
const NEEDS_BYTES = -3;

/** A UTF-16 code unit takes at most three bytes in UTF-8. */
const UTF8_BYTES_PER_UNIT = 3;

const encoder = new TextEncoder();

/**
 * Answers requests from a tree:
 *
 * ```
 *   string ─▶ statics ─▶ text ──┐                          generated code, or the walker
 *                               ├─ copy ─▶ bytes ─▶ found
 *   bytes  ─────────────────────┘            │
 *                                            └─ encoded ─▶ decode once ─▶ bytes ─▶ found
 *                                                                           └─▶ 404, 405, OPTIONS
 * ```
 */
export class Matcher {
  readonly #tree: Tree;
  readonly #methods: MethodTable;
  readonly #options: ResolvedRouterOptions;
  #statics: StaticMatcher = NO_STATICS;
  #text: TextMatcher = NO_TEXT;
  #bytes: ByteMatcher;
  #walker: Walker | undefined;
  /** Walks to go until the tree is written out as code; Infinity when it must not be. */
  #coldMatches = Number.POSITIVE_INFINITY;
  /** The binding of each leaf and method bit, {@link #stride} of them for each leaf. */
  #bindings: (Binding | undefined)[] = [];
  #stride = 0;

  constructor(tree: Tree, methods: MethodTable, options: ResolvedRouterOptions) {
    this.#tree = tree;
    this.#methods = methods;
    this.#options = options;
    this.#bytes = this.#walkFirst;
  }

  /** To be called when the tree changes. */
  treeChanged(): void {
    this.#bindings = [];
    this.#walker = undefined;
    this.#statics = NO_STATICS;
    this.#text = NO_TEXT;
    this.#bytes = this.#walkFirst;
  }

  /** Prepares everything that the first matches would prepare. */
  compile(): void {
    if (this.#walker === undefined) this.#prepareWalk();
    if (this.#coldMatches !== Number.POSITIVE_INFINITY) this.#generateCode();
  }

  #prepareWalk(): void {
    this.#bindAll();
    this.#walker = new Walker(writeProgram(this.#tree.root, this.#options.caseSensitive));
    const mayGenerate = this.#options.codeGeneration === "auto" && isSmallEnough(this.#tree.root);
    this.#coldMatches = mayGenerate ? WARM_MATCHES : Number.POSITIVE_INFINITY;
    this.#bytes = mayGenerate ? this.#walkCold : this.#walker.match;
  }

  #generateCode(): void {
    const generated = compileMatchers(this.#tree.root, this.#options.caseSensitive);
    this.#coldMatches = Number.POSITIVE_INFINITY;
    this.#statics = generated?.statics ?? NO_STATICS;
    this.#text = generated?.text ?? NO_TEXT;
    this.#bytes = generated?.bytes ?? this.#walker!.match;
  }

  readonly #walkFirst: ByteMatcher = (bytes, view, start, end, bit, byteMax, offsets) => {
    this.#prepareWalk();
    return this.#bytes(bytes, view, start, end, bit, byteMax, offsets);
  };

  readonly #walkCold: ByteMatcher = (bytes, view, start, end, bit, byteMax, offsets) => {
    if (--this.#coldMatches < 0) this.#generateCode();
    return this.#walker!.match(bytes, view, start, end, bit, byteMax, offsets);
  };

  matchText(method: string, target: string, into: RouteMatch): void {
    const bit = this.#methods.bitOf(method);
    const offsets = into.offsetsFor(this.#tree.captureCountMax);
    const { length } = target;
    if (length > this.#options.maxPathBytes) {
      const pathLength = textPathEnd(target);
      if (pathLength > this.#options.maxPathBytes) {
        into.fail(TOO_LONG, pathLength);
        return;
      }
    }
    let id = this.#statics(target, length, bit, offsets);
    if (id < 0) {
      const query = target.indexOf("?");
      const pathLength = query === -1 ? length : query;
      const percent = target.indexOf("%");
      offsets[ALLOWED_SLOT] = 0;
      if (percent !== -1 && percent < pathLength) id = NEEDS_DECODING;
      else if (pathLength > TEXT_LENGTH_MAX) id = NEEDS_BYTES;
      else id = this.#text(target, 0, pathLength, bit, offsets);
      if (id < 0) {
        this.#finishText(id, target, pathLength, bit, offsets, into);
        return;
      }
    }
    into.foundInText(this.#bindingOf(id, bit), target);
  }

  matchBytes(method: string, bytes: Uint8Array, start: number, end: number, into: RouteMatch): void {
    const bit = this.#methods.bitOf(method);
    const offsets = into.offsetsFor(this.#tree.captureCountMax);
    if (end - start > this.#options.maxPathBytes) {
      const stop = pathEnd(bytes, start, end);
      if (stop - start > this.#options.maxPathBytes) {
        into.fail(TOO_LONG, stop - start);
        return;
      }
    }
    offsets[ALLOWED_SLOT] = 0;
    const id = this.#bytes(bytes, into.viewOf(bytes), start, end, bit, RAW_BYTE_MAX, offsets);
    if (id >= 0) into.foundInBytes(this.#bindingOf(id, bit), bytes, start);
    else this.#finishBytes(id, bytes, start, end, bit, offsets, into);
  }

  #finishBytes(
    id: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    bit: number,
    offsets: Int32Array,
    into: RouteMatch,
  ): void {
    const stop = pathEnd(bytes, start, end);
    if (id === NEEDS_DECODING || isEncoded(bytes, start, stop)) {
      const length = decodePath(bytes, start, stop, into.scratchFor(stop - start));
      this.#matchDecoded(length, stop - start, bit, offsets, into);
    } else {
      const isAsterisk = stop - start === 1 && bytes[start] === ASTERISK;
      this.#unmatched(isAsterisk, stop - start, bit, offsets, into);
    }
  }

  #finishText(
    id: number,
    target: string,
    pathLength: number,
    bit: number,
    offsets: Int32Array,
    into: RouteMatch,
  ): void {
    const scratch = into.scratchFor(pathLength * UTF8_BYTES_PER_UNIT);
    let found = id;
    if (id === NEEDS_BYTES) {
      const length = copyText(target, pathLength, scratch);
      found = this.#bytes(scratch, into.scratchView, 0, length, bit, RAW_BYTE_MAX, offsets);
      // A raw match has read nothing but ASCII, so its offsets hold for the string as well.
      if (found >= 0) {
        into.foundInText(this.#bindingOf(found, bit), target);
        return;
      }
      if (found === NO_MATCH && isEncoded(scratch, 0, length)) found = NEEDS_DECODING;
    }
    if (found === NEEDS_DECODING) {
      let length = decodeAsciiPath(target, scratch);
      if (length === NOT_ASCII)
        length = decodePath(scratch, 0, copyText(target, pathLength, scratch), scratch);
      this.#matchDecoded(length, pathLength, bit, offsets, into);
    } else {
      this.#unmatched(target === "*", pathLength, bit, offsets, into);
    }
  }

  /** Goes on with the first `length` bytes of the match's own memory, which are a decoded path. */
  #matchDecoded(
    length: number,
    pathLength: number,
    bit: number,
    offsets: Int32Array,
    into: RouteMatch,
  ): void {
    if (length === BAD_ENCODING) {
      into.fail(BAD_PATH, pathLength);
      return;
    }
    offsets[ALLOWED_SLOT] = 0;
    const scratch = into.scratchFor(length);
    const id = this.#bytes(scratch, into.scratchView, 0, length, bit, DECODED_BYTE_MAX, offsets);
    if (id >= 0) into.foundDecoded(this.#bindingOf(id, bit), pathLength);
    else this.#unmatched(false, pathLength, bit, offsets, into);
  }

  /** No route answers: says why, from the methods that the path has. */
  #unmatched(
    isAsterisk: boolean,
    pathLength: number,
    bit: number,
    offsets: Int32Array,
    into: RouteMatch,
  ): void {
    const { autoOptions } = this.#options;
    const isOptions = autoOptions && bit === MethodTable.OPTIONS;
    // `OPTIONS *` asks about the server as a whole (RFC 9110 §9.3.7).
    const allowed = isAsterisk && isOptions ? this.#tree.answeredMethods() : offsets[ALLOWED_SLOT]!;
    if (allowed === 0) {
      into.fail(NOT_FOUND, pathLength);
      return;
    }
    const outcome = isOptions ? "options" : "method-not-allowed";
    const named = autoOptions ? allowed | MethodTable.OPTIONS : allowed;
    into.fail(this.#methods.failureWith(outcome, named), pathLength);
  }

  #bindingOf(leafId: number, bit: number): Binding {
    const index = bit === OTHER_BIT ? this.#stride - 1 : bitIndex(bit);
    return this.#bindings[leafId * this.#stride + index]!;
  }

  /** HEAD goes to GET's route, and what has no route of its own to that of all methods. */
  #bindAll(): void {
    const bits = [...this.#methods.bits(), OTHER_BIT];
    this.#stride = bits.length;
    this.#bindings = this.#tree.leaves.flatMap(({ bindings }) =>
      bits.map((bit) => {
        const own = bindings.get(bit);
        const get =
          bit === MethodTable.HEAD && this.#options.autoHead ? bindings.get(MethodTable.GET) : undefined;
        return own ?? get ?? bindings.get(OTHER_BIT);
      }),
    );
  }
}

const ASTERISK = 0x2a;
const NO_STATICS: StaticMatcher = () => NO_MATCH;
const NO_TEXT: TextMatcher = () => NEEDS_BYTES;

function pathEnd(bytes: Uint8Array, start: number, end: number): number {
  for (let i = start; i < end; i++) if (bytes[i] === QUESTION) return i;
  return end;
}

function textPathEnd(target: string): number {
  const query = target.indexOf("?");
  return query === -1 ? target.length : query;
}

/** True when the path in `bytes[start, end)` is not all of plain ASCII characters. */
function isEncoded(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] === PERCENT || bytes[i]! > RAW_BYTE_MAX) return true;
  return false;
}

/** Copies the first `length` characters as UTF-8 and returns how many bytes they are. */
function copyText(text: string, length: number, to: Uint8Array): number {
  return encoder.encodeInto(length === text.length ? text : text.slice(0, length), to).written;
}
