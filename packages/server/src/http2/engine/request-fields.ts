import type { IoMemory } from "../../loop/io-memory.js";
import type { FieldSink } from "../hpack/decoder.js";
import { ENTRY_OVERHEAD, type FieldEntry, KIND } from "../hpack/field-entry.js";

/** It is no request at all: its stream is reset (RFC 9113 §8.1.1). */
export const MALFORMED = -1;
/** More fields than are taken. */
export const TOO_MANY_FIELDS = -2;
/** What has no form in HTTP/1.1: the status of the answer, negated. */
export const NOT_A_REQUEST = -400;
export const NO_TUNNEL = -501;
export const TOO_LARGE = -431;

const ASTERISK = 0x2a;
const SLASH = 0x2f;
const CONNECT = Buffer.from("CONNECT", "latin1");
const HEAD = Buffer.from("HEAD", "latin1");
const VERSION_AND_HOST = Buffer.from(" HTTP/1.1\r\nhost: ", "latin1");
const VERSION = Buffer.from(" HTTP/1.1\r\n", "latin1");
/** Shorter pieces are copied byte by byte: a call costs more. */
const SHORT_BYTES = 24;

/** Where the value of a pseudo-field lies: in the entry of a table, or in the memory. */
class Value {
  bytes: Uint8Array | null = null;
  start = 0;
  end = 0;

  get length(): number {
    return this.end - this.start;
  }
}

/**
 * The fields of a request, written in the form of HTTP/1.1 for the one parser that decides what is a request (RFC 9113
 * §8.3). All in the loop's memory: a request makes no object here.
 *
 * ```
 *   scratch   literals as they are decoded, pseudo-fields until the first line is written
 *   text      GET /path HTTP/1.1 ⏎ host: authority ⏎ name: value ⏎ … ⏎
 * ```
 */
export class RequestFields implements FieldSink {
  readonly bytes: Uint8Array;
  scratch: number;
  readonly #scratchStart: number;
  /** Where the text begins. */
  readonly textStart: number;
  readonly #maxListBytes: number;
  readonly #maxFields: number;
  #at: number;
  #begun = false;
  #isTrailer = false;
  #malformed = false;
  #listBytes = 0;
  #count = 0;
  #hasHost = false;
  #hostDiffers = false;
  readonly #method = new Value();
  readonly #scheme = new Value();
  readonly #path = new Value();
  readonly #authority = new Value();
  readonly #host = new Value();

  constructor(memory: IoMemory, maxListBytes: number, maxFields: number) {
    const { scratch, text } = memory.http2;
    this.bytes = memory.bytes;
    this.scratch = scratch.start;
    this.#scratchStart = scratch.start;
    this.textStart = text.start;
    this.#at = text.start;
    this.#maxListBytes = maxListBytes;
    this.#maxFields = maxFields;
  }

  /** @param isTrailer the fields come behind a body: they are checked and dropped */
  begin(isTrailer: boolean): void {
    this.scratch = this.#scratchStart;
    this.#at = this.textStart;
    this.#begun = isTrailer;
    this.#isTrailer = isTrailer;
    this.#malformed = false;
    this.#listBytes = 0;
    this.#count = 0;
    this.#hasHost = false;
    this.#hostDiffers = false;
    this.#method.bytes = null;
    this.#scheme.bytes = null;
    this.#path.bytes = null;
    this.#authority.bytes = null;
  }

  /** The request is HEAD, as far as is known. */
  get isHead(): boolean {
    return isMethod(this.#method, HEAD);
  }

  entry(entry: FieldEntry): void {
    const { line, kind } = entry;
    if (!this.#counts(line.byteLength)) return;
    if (kind !== KIND.regular) {
      this.#special(kind, line, entry.valueStart, entry.valueEnd, line, 0, line.byteLength);
      return;
    }
    if (!this.#begun) this.#firstLine();
    if (this.#isTrailer) return;
    this.bytes.set(line, this.#at);
    this.#at += line.byteLength;
  }

  literal(kind: number, start: number, nameEnd: number, end: number): void {
    if (!this.#counts(end - start)) return;
    if (kind !== KIND.regular) {
      this.#special(kind, this.bytes, nameEnd + 2, end - 2, this.bytes, start, end);
      return;
    }
    if (!this.#begun) this.#firstLine();
    if (!this.#isTrailer) this.#copy(this.bytes, start, end);
  }

  /** @returns whether there is room for a field; its line has four characters of its own */
  #counts(lineBytes: number): boolean {
    this.#listBytes += lineBytes - 4 + ENTRY_OVERHEAD;
    this.#count++;
    return this.#listBytes <= this.#maxListBytes;
  }

  #special(
    kind: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    line: Uint8Array,
    lineStart: number,
    lineEnd: number,
  ): void {
    if (kind === KIND.malformed) {
      this.#malformed = true;
      return;
    }
    if (kind === KIND.host) {
      if (!this.#begun) this.#firstLine();
      if (!this.#isTrailer) this.#takeHost(bytes, start, end, line, lineStart, lineEnd);
      return;
    }
    const value =
      kind === KIND.method
        ? this.#method
        : kind === KIND.path
          ? this.#path
          : kind === KIND.authority
            ? this.#authority
            : this.#scheme;
    // Behind a field, in a trailer, or for the second time (§8.3).
    if (this.#begun || value.bytes !== null) {
      this.#malformed = true;
      return;
    }
    value.bytes = bytes;
    value.start = start;
    value.end = end;
    if (bytes === this.bytes) this.scratch = lineEnd;
  }

  /** §8.3.1: two names for one server are two requests. */
  #takeHost(
    bytes: Uint8Array,
    start: number,
    end: number,
    line: Uint8Array,
    lineStart: number,
    lineEnd: number,
  ): void {
    const authority = this.#authority;
    if (authority.bytes === null) {
      // The parser finds two of them.
      this.#copy(line, lineStart, lineEnd);
      this.#hasHost ||= end > start;
      return;
    }
    if (this.#hasHost) this.#hostDiffers = true;
    this.#hasHost = true;
    const host = this.#host;
    host.start = start;
    host.end = end;
    if (!equalIgnoringCase(bytes, host, authority.bytes, authority)) this.#hostDiffers = true;
  }

  /** The pseudo-fields are complete. */
  #firstLine(): void {
    this.#begun = true;
    const method = this.#method;
    const path = this.#path;
    const authority = this.#authority;
    if (method.bytes === null || path.bytes === null) return;
    this.#copy(method.bytes, method.start, method.end);
    this.bytes[this.#at++] = 0x20;
    this.#copy(path.bytes, path.start, path.end);
    if (authority.bytes === null) {
      this.#copy(VERSION, 0, VERSION.byteLength);
      return;
    }
    this.#copy(VERSION_AND_HOST, 0, VERSION_AND_HOST.byteLength);
    this.#copy(authority.bytes, authority.start, authority.end);
    this.bytes[this.#at++] = 0x0d;
    this.bytes[this.#at++] = 0x0a;
  }

  /**
   * The block is over.
   * @returns where the text ends, {@link MALFORMED}, {@link TOO_MANY_FIELDS}, or a negated status
   */
  end(): number {
    if (this.#count > this.#maxFields) return TOO_MANY_FIELDS;
    const tooLarge = this.#listBytes > this.#maxListBytes;
    if (this.#malformed) return MALFORMED;
    if (this.#isTrailer) return tooLarge ? TOO_MANY_FIELDS : this.#at;
    // What is missing may be what was dropped.
    if (tooLarge) return TOO_LARGE;
    if (!this.#begun) this.#firstLine();
    const method = this.#method;
    const path = this.#path;
    if (method.bytes === null || method.length === 0) return MALFORMED;
    if (isMethod(method, CONNECT)) {
      // §8.5
      const isWhole = this.#authority.bytes !== null && path.bytes === null && this.#scheme.bytes === null;
      return isWhole ? NO_TUNNEL : MALFORMED;
    }
    if (path.bytes === null || path.length === 0) return MALFORMED;
    if (this.#scheme.bytes === null || this.#scheme.length === 0) return MALFORMED;
    if (this.#hostDiffers) return NOT_A_REQUEST;
    const first = path.bytes[path.start];
    if (first !== SLASH && !(first === ASTERISK && path.length === 1)) return NOT_A_REQUEST;
    if (this.#authority.bytes === null ? !this.#hasHost : this.#authority.length === 0) return NOT_A_REQUEST;
    this.bytes[this.#at++] = 0x0d;
    this.bytes[this.#at++] = 0x0a;
    return this.#at;
  }

  #copy(source: Uint8Array, start: number, end: number): void {
    const { bytes } = this;
    let at = this.#at;
    if (source === bytes && end - start > SHORT_BYTES) {
      bytes.copyWithin(at, start, end);
      at += end - start;
    } else {
      for (let i = start; i < end; i++) bytes[at++] = source[i]!;
    }
    this.#at = at;
  }
}

function isMethod({ bytes, start, length }: Value, name: Uint8Array): boolean {
  if (bytes === null || length !== name.byteLength) return false;
  for (let i = 0; i < length; i++) if (bytes[start + i] !== name[i]) return false;
  return true;
}

function equalIgnoringCase(bytes: Uint8Array, a: Value, others: Uint8Array, b: Value): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (lower(bytes[a.start + i]!) !== lower(others[b.start + i]!)) return false;
  }
  return true;
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}
