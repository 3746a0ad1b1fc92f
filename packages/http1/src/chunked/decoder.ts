import { ERROR } from "../errors.js";
import { type ChunkedLimits, resolveChunkedLimits } from "../options.js";
import { type LenientOptions, RELAX, resolveRelaxations } from "../relaxations.js";
import {
  BACKSLASH,
  BYTE_CLASS,
  CR,
  DQUOTE,
  EQUALS,
  HTAB,
  LF,
  SEMICOLON,
  SP,
  TOKEN,
  VALUE,
} from "../tables/bytes.js";
import { TrailerSection } from "./trailers.js";

const SIZE_START = 0;
const SIZE = 1;
/** White space behind a size or a value: only `;` may follow. */
const AFTER_SIZE = 2;
const AFTER_VALUE = 19;
const NAME_START = 3;
const NAME = 4;
const AFTER_NAME = 5;
const VALUE_START = 6;
const VALUE_TOKEN = 7;
const QUOTED = 8;
const QUOTED_PAIR = 9;
const AFTER_QUOTED = 10;
const SIZE_LF = 11;
const DATA = 12;
const DATA_CR = 13;
const DATA_LF = 14;
const TRAILER_START = 15;
const FINAL_LF = 16;
const TRAILERS = 17;
const DONE = 18;

/** More leading zeros than any sender has a reason for. */
const SIZE_DIGITS_MAX = 32;
const NO_TRAILERS: readonly string[] = Object.freeze([]);

/** Value of a hexadecimal digit; 255 for other bytes. */
const HEX_VALUE: Uint8Array = (() => {
  const values = new Uint8Array(256).fill(255);
  for (let digit = 0; digit < 16; digit++) {
    const text = digit.toString(16);
    values[text.charCodeAt(0)] = digit;
    values[text.toUpperCase().charCodeAt(0)] = digit;
  }
  return values;
})();

/**
 * Decodes the chunked transfer coding (RFC 9112 §7.1) from bytes in pieces of any size. Nothing is copied: each
 * {@link step} names at most one run of content in the bytes it was given.
 *
 * ```ts
 * for (let at = start; at < end && !decoder.done; ) {
 *   at = decoder.step(bytes, at, end);
 *   if (at < 0) throw parseErrorOf(at);
 *   if (decoder.dataEnd > decoder.dataStart) take(bytes.subarray(decoder.dataStart, decoder.dataEnd));
 * }
 * ```
 */
export class ChunkedDecoder {
  readonly limits: ChunkedLimits;
  /** The content that the last step found: `bytes[dataStart, dataEnd)`. */
  dataStart = 0;
  dataEnd = 0;
  /** The last chunk and its trailers have been read. */
  done = false;
  /** Content so far, counting a chunk from its size line on. */
  bodyBytes = 0;
  /** After an error: index of the wrong byte in the bytes that the failed step was given. */
  errorOffset = 0;
  /** After {@link done}: lower-case name, value, name, value …; forbidden ones are dropped (RFC 9110 §6.5.1). */
  trailers: readonly string[] = NO_TRAILERS;
  #state = SIZE_START;
  /** Of the size line: the chunk's size so far; in data: what is still to come. */
  #remaining = 0;
  #digits = 0;
  #extensionBytes = 0;
  readonly #section: TrailerSection;

  readonly #sizeSpace: boolean;

  /** @throws {Http1OptionError} for an unknown limit, one out of bounds, or an unknown relaxation */
  constructor(limits: Partial<ChunkedLimits> = {}, options: LenientOptions = {}) {
    this.#sizeSpace = (resolveRelaxations(options, "chunked") & RELAX.chunkSizeSpace) !== 0;
    this.limits = resolveChunkedLimits(limits);
    this.#section = new TrailerSection(this.limits);
  }

  /** Makes the decoder ready for another message. */
  reset(): void {
    this.#state = SIZE_START;
    this.#remaining = this.#digits = this.#extensionBytes = 0;
    this.dataStart = this.dataEnd = this.bodyBytes = this.errorOffset = 0;
    this.done = false;
    if (this.trailers !== NO_TRAILERS) this.trailers = NO_TRAILERS;
    this.#section.reset();
  }

  /**
   * Reads framing up to and including the next run of content, or to the end of the bytes or of the message.
   * @returns the position behind what was read, or a negated error id; after an error only {@link reset} helps
   */
  step(bytes: Uint8Array, start: number, end: number): number {
    let i = start;
    this.dataStart = this.dataEnd = start;
    while (i < end) {
      switch (this.#state) {
        case DATA:
          return this.#data(i, end);
        case DONE:
          return i;
        case TRAILER_START:
          if (bytes[i] === CR) {
            this.#state = FINAL_LF;
            i++;
            break;
          }
          this.#state = TRAILERS;
          break;
        case TRAILERS: {
          const lf = bytes.indexOf(LF, i);
          const stop = lf < 0 || lf >= end ? end : lf + 1;
          const result = this.#section.add(bytes, i, stop);
          if (result < 0) return this.#fail(i, -result);
          i = stop;
          if (result > 0) {
            this.trailers = this.#section.toFields();
            return this.#finish(i);
          }
          break;
        }
        default: {
          const error = this.#framing(bytes[i]!);
          if (error !== 0) return this.#fail(i, error);
          i++;
          if (this.done) return i;
        }
      }
    }
    return i;
  }

  #data(start: number, end: number): number {
    const length = Math.min(this.#remaining, end - start);
    this.dataStart = start;
    this.dataEnd = start + length;
    this.#remaining -= length;
    if (this.#remaining === 0) this.#state = DATA_CR;
    return this.dataEnd;
  }

  #finish(at: number): number {
    this.#state = DONE;
    this.done = true;
    return at;
  }

  #fail(at: number, error: number): number {
    this.errorOffset = at;
    return -error;
  }

  /** One byte of a size line, of a chunk's end or of the message's end: 0, or an error id. */
  #framing(byte: number): number {
    switch (this.#state) {
      case SIZE_START:
      case SIZE:
        return this.#size(byte);
      case SIZE_LF:
        return byte === LF ? this.#sizeKnown() : ERROR.bareCr;
      case DATA_CR:
        if (byte !== CR) return ERROR.badChunkEnd;
        this.#state = DATA_LF;
        return 0;
      case DATA_LF:
        if (byte !== LF) return ERROR.badChunkEnd;
        this.#state = SIZE_START;
        this.#digits = 0;
        return 0;
      case FINAL_LF:
        if (byte !== LF) return ERROR.bareCr;
        this.#finish(0);
        return 0;
      default:
        return this.#extension(byte);
    }
  }

  #size(byte: number): number {
    const digit = HEX_VALUE[byte]!;
    if (digit !== 255) {
      this.#remaining = this.#remaining * 16 + digit;
      if (this.#remaining > Number.MAX_SAFE_INTEGER) return ERROR.chunkSizeTooLarge;
      if (++this.#digits > SIZE_DIGITS_MAX) return ERROR.badChunkSize;
      this.#state = SIZE;
      return 0;
    }
    if (this.#state === SIZE_START) return ERROR.badChunkSize;
    if (byte === CR) this.#state = SIZE_LF;
    else if (byte === SEMICOLON) return this.#extended(NAME_START);
    else if (byte === SP || byte === HTAB) return this.#extended(AFTER_SIZE);
    else return byte === LF ? ERROR.bareLf : ERROR.badChunkSize;
    return 0;
  }

  #sizeKnown(): number {
    this.bodyBytes += this.#remaining;
    if (this.bodyBytes > this.limits.maxBodyBytes) return ERROR.bodyTooLarge;
    this.#state = this.#remaining === 0 ? TRAILER_START : DATA;
    return 0;
  }

  #extended(state: number): number {
    this.#state = state;
    return ++this.#extensionBytes > this.limits.maxChunkExtensionBytes ? ERROR.chunkExtensionTooLarge : 0;
  }

  /** `*( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )` (RFC 9112 §7.1.1); unknown ones are ignored. */
  #extension(byte: number): number {
    if (this.#state === QUOTED || this.#state === QUOTED_PAIR) return this.#quoted(byte);
    const token = (BYTE_CLASS[byte]! & TOKEN) !== 0;
    if (byte === CR) {
      const complete =
        this.#state === NAME ||
        this.#state === VALUE_TOKEN ||
        this.#state === AFTER_QUOTED ||
        this.#isSpaceAfterSize();
      if (!complete) return ERROR.badChunkExtension;
      this.#state = SIZE_LF;
      return 0;
    }
    if (byte === LF) return ERROR.bareLf;
    const next = this.#afterExtensionByte(byte, token);
    return next < 0 ? ERROR.badChunkExtension : this.#extended(next);
  }

  #isSpaceAfterSize(): boolean {
    return this.#sizeSpace && this.#state === AFTER_SIZE;
  }

  /** The state behind a byte of an extension outside quotes; -1 when it cannot stand there. */
  #afterExtensionByte(byte: number, token: boolean): number {
    const space = byte === SP || byte === HTAB;
    switch (this.#state) {
      case NAME_START:
        return token ? NAME : space ? NAME_START : -1;
      case NAME:
        if (token) return NAME;
        return space ? AFTER_NAME : byte === EQUALS ? VALUE_START : byte === SEMICOLON ? NAME_START : -1;
      case AFTER_NAME:
        return space ? AFTER_NAME : byte === EQUALS ? VALUE_START : byte === SEMICOLON ? NAME_START : -1;
      case VALUE_START:
        if (byte === DQUOTE) return QUOTED;
        return token ? VALUE_TOKEN : space ? VALUE_START : -1;
      case VALUE_TOKEN:
        if (token) return VALUE_TOKEN;
        return space ? AFTER_VALUE : byte === SEMICOLON ? NAME_START : -1;
      case AFTER_SIZE:
        return space ? AFTER_SIZE : byte === SEMICOLON ? NAME_START : -1;
      default: // AFTER_QUOTED, AFTER_VALUE
        return space ? AFTER_VALUE : byte === SEMICOLON ? NAME_START : -1;
    }
  }

  /** `quoted-string` (RFC 9110 §5.6.4): a line end inside is an error, not part of it. */
  #quoted(byte: number): number {
    if ((BYTE_CLASS[byte]! & VALUE) === 0) return byte === LF ? ERROR.bareLf : ERROR.badChunkExtension;
    if (this.#state === QUOTED_PAIR) return this.#extended(QUOTED);
    return this.#extended(byte === DQUOTE ? AFTER_QUOTED : byte === BACKSLASH ? QUOTED_PAIR : QUOTED);
  }
}
