import { BAD_ENCODING, decodePath } from "./decode-path.js";
import { type CompiledMatchers, compileMatchers } from "./generate/compile.js";
import { NEEDS_BYTES } from "./generate/matcher-source.js";
import type { Outcome, RouteMatch } from "./match.js";
import { bitIndex, MethodTable, OTHER_BIT } from "./methods.js";
import type { ResolvedRouterOptions } from "./options.js";
import { PERCENT, QUESTION } from "./path-alphabet.js";
import type { Binding, Tree } from "./tree.js";
import {
  ALLOWED_SLOT,
  type ByteMatcher,
  DECODED_BYTE_MAX,
  NEEDS_DECODING,
  NO_MATCH,
  RAW_BYTE_MAX,
  Walker,
} from "./walk.js";

/**
 * After so many matches the tree is written out as code. Until then it is walked: making code costs as much as
 * thousands of walks, which a program that starts, or still adds routes, should not pay.
 */
const WARM_MATCHES = 64;

/**
 * Longer strings are copied to bytes and matched there. Measured on Node 20: `encodeInto` costs about 30 ns
 * whatever the length, `charCodeAt` about 1.7 ns a character, a byte about 0.5 ns.
 */
const TEXT_LENGTH_MAX = 24;

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
  readonly #walker: Walker;
  #compiled: CompiledMatchers | undefined;
  /** Matches to go until the tree is written out; Infinity when it must not be. */
  #coldMatches: number;
  /** The binding of each leaf and method bit, {@link #stride} of them for each leaf. */
  #bindings: (Binding | undefined)[] = [];
  #stride = 0;

  constructor(tree: Tree, methods: MethodTable, options: ResolvedRouterOptions) {
    this.#tree = tree;
    this.#methods = methods;
    this.#options = options;
    this.#walker = new Walker(tree.root, options.caseSensitive);
    this.#coldMatches = options.codeGeneration === "never" ? Number.POSITIVE_INFINITY : WARM_MATCHES;
  }

  /** To be called when the tree has changed. */
  treeChanged(): void {
    this.#compiled = undefined;
    this.#bindings = [];
    if (this.#coldMatches !== Number.POSITIVE_INFINITY) this.#coldMatches = WARM_MATCHES;
  }

  compile(): void {
    if (this.#coldMatches === Number.POSITIVE_INFINITY || this.#compiled !== undefined) return;
    this.#compiled = compileMatchers(this.#tree.root, this.#options.caseSensitive);
    if (this.#compiled === undefined) this.#coldMatches = Number.POSITIVE_INFINITY;
  }

  matchText(method: string, target: string, into: RouteMatch): void {
    const bit = this.#methods.bitOf(method);
    const offsets = into.offsetsFor(this.#tree.captureCountMax);
    const compiled = this.#compiled;
    let id = NEEDS_BYTES;
    if (compiled !== undefined) {
      const { length } = target;
      id = compiled.statics(target, length, bit, offsets);
      if (id < 0) {
        offsets[ALLOWED_SLOT] = 0;
        id = length > TEXT_LENGTH_MAX ? NEEDS_BYTES : compiled.text(target, 0, length, bit, offsets);
      }
    }
    if (id >= 0) into.foundInText(this.#bindingOf(id, bit), target);
    else if (id !== NO_MATCH || isEncodedText(target)) this.#matchCopy(target, bit, offsets, into);
    else this.#unmatched(bit, offsets, into, textPathEnd(target), target === "*");
  }

  matchBytes(method: string, bytes: Uint8Array, start: number, end: number, into: RouteMatch): void {
    const bit = this.#methods.bitOf(method);
    const offsets = into.offsetsFor(this.#tree.captureCountMax);
    const bytesMax = this.#options.maxPathBytes;
    if (end - start > bytesMax && pathEnd(bytes, start, end) - start > bytesMax) {
      into.none("too-long", pathEnd(bytes, start, end) - start, "");
      return;
    }
    offsets[ALLOWED_SLOT] = 0;
    const match = this.#byteMatcher();
    const id = match(bytes, into.viewOf(bytes), start, end, bit, RAW_BYTE_MAX, offsets);
    if (id >= 0) into.foundInBytes(this.#bindingOf(id, bit), bytes, start);
    else if (id === NEEDS_DECODING || isEncoded(bytes, start, end)) {
      this.#matchDecoded(bytes, start, end, bit, offsets, into, pathEnd(bytes, start, end) - start);
    } else {
      const isAsterisk = end - start === 1 && bytes[start] === ASTERISK;
      this.#unmatched(bit, offsets, into, pathEnd(bytes, start, end) - start, isAsterisk);
    }
  }

  /** A string that is long, encoded or, without generated code, any: it goes through the match's memory. */
  #matchCopy(target: string, bit: number, offsets: Int32Array, into: RouteMatch): void {
    const bytesMax = this.#options.maxPathBytes;
    let path = target;
    if (target.length > bytesMax) {
      path = target.slice(0, textPathEnd(target));
      if (path.length > bytesMax) {
        into.none("too-long", path.length, "");
        return;
      }
    }
    const scratch = into.scratchFor(path.length * UTF8_BYTES_PER_UNIT);
    const { written } = encoder.encodeInto(path, scratch);
    offsets[ALLOWED_SLOT] = 0;
    const match = this.#byteMatcher();
    const id = match(scratch, into.scratchView, 0, written, bit, RAW_BYTE_MAX, offsets);
    // A raw match has ASCII only up to its end, so its offsets hold for the string as well.
    if (id >= 0) into.foundInText(this.#bindingOf(id, bit), target);
    else if (id === NEEDS_DECODING || isEncoded(scratch, 0, written)) {
      this.#matchDecoded(scratch, 0, written, bit, offsets, into, textPathEnd(target));
    } else {
      this.#unmatched(bit, offsets, into, textPathEnd(target), target === "*");
    }
  }

  #matchDecoded(
    bytes: Uint8Array,
    start: number,
    end: number,
    bit: number,
    offsets: Int32Array,
    into: RouteMatch,
    pathLength: number,
  ): void {
    const scratch = into.scratchFor(end - start);
    const length = decodePath(bytes, start, end, scratch);
    if (length === BAD_ENCODING) {
      into.none("bad-path", pathLength, "");
      return;
    }
    offsets[ALLOWED_SLOT] = 0;
    const match = this.#byteMatcher();
    const id = match(scratch, into.scratchView, 0, length, bit, DECODED_BYTE_MAX, offsets);
    if (id >= 0) into.foundDecoded(this.#bindingOf(id, bit), pathLength);
    else this.#unmatched(bit, offsets, into, pathLength, false);
  }

  /** No route answers: says why, from the methods that the path has. */
  #unmatched(
    bit: number,
    offsets: Int32Array,
    into: RouteMatch,
    pathLength: number,
    isAsterisk: boolean,
  ): void {
    const { autoOptions } = this.#options;
    const isOptions = autoOptions && bit === MethodTable.OPTIONS;
    let allowed = offsets[ALLOWED_SLOT]!;
    // `OPTIONS *` asks about the server as a whole (RFC 9110 §9.3.7).
    if (isAsterisk && isOptions) for (const leaf of this.#tree.leaves) allowed |= leaf.mask;
    if (allowed === 0 && !(isAsterisk && isOptions)) {
      into.none("not-found", pathLength, "");
      return;
    }
    const outcome: Outcome = isOptions ? "options" : "method-not-allowed";
    into.none(
      outcome,
      pathLength,
      this.#methods.listOf(autoOptions ? allowed | MethodTable.OPTIONS : allowed),
    );
  }

  #byteMatcher(): ByteMatcher {
    if (this.#compiled === undefined && --this.#coldMatches < 0) this.compile();
    return this.#compiled?.bytes ?? this.#walker.match;
  }

  #bindingOf(leafId: number, bit: number): Binding {
    if (this.#bindings.length === 0) this.#bindAll();
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
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte === QUESTION) return false;
    if (byte === PERCENT || byte > RAW_BYTE_MAX) return true;
  }
  return false;
}

function isEncodedText(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUESTION) return false;
    if (code === PERCENT || code > RAW_BYTE_MAX) return true;
  }
  return false;
}
