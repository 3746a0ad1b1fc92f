import { ERROR } from "../errors.js";
import { latin1View } from "../latin1.js";
import { type ChunkedLimits, FIELDS_MAX } from "../options.js";
import { canDecideLine } from "../scan/pending-line.js";
import { scanFieldLines } from "../scan/plain-fields.js";
import { clear, type ScanRules } from "../scan/rules.js";
import * as T from "../scan/table.js";
import { LF } from "../tables/bytes.js";

/**
 * Fields that a trailer section must not carry because they frame, route, authenticate or describe what was
 * already acted upon (RFC 9110 §6.5.1). A recipient drops them.
 */
// biome-ignore format: words
export const FORBIDDEN_TRAILERS: ReadonlySet<string> = new Set([
  "transfer-encoding", "content-length", "host", "connection", "keep-alive", "proxy-connection", "upgrade", "te", "trailer",
  "cache-control", "expect", "max-forwards", "pragma", "range", "if-match", "if-none-match", "if-modified-since",
  "if-unmodified-since", "if-range", "authorization", "proxy-authenticate", "proxy-authorization", "www-authenticate",
  "cookie", "set-cookie", "age", "expires", "date", "location", "retry-after", "vary", "warning", "origin",
  "content-encoding", "content-type", "content-range", "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
]);

const FIRST_BYTES = 256;
/** Used within one call only, so all sections of a thread share it. */
const table = new Uint16Array(T.RECORDS + FIELDS_MAX * T.RECORD_SIZE);

/** Collects a trailer section that may come in pieces, and reads it line by line. Memory is taken only when one comes. */
export class TrailerSection {
  #bytes: Uint8Array | undefined;
  #length = 0;
  /** Where the line starts that is not over, and how many are. */
  #line = 0;
  #count = 0;
  readonly #rules: ScanRules;

  constructor(limits: ChunkedLimits) {
    this.#rules = {
      maxRequestLineBytes: limits.maxTrailerBytes,
      maxHeadBytes: limits.maxTrailerBytes,
      maxFields: limits.maxTrailerFields,
      relax: 0,
    };
  }

  reset(): void {
    this.#bytes = undefined;
    this.#length = this.#line = this.#count = 0;
  }

  /**
   * Takes the next bytes, at most up to the end of a line.
   * @returns 1 when the section is complete, 0 when more is to come, or a negated error id
   */
  add(bytes: Uint8Array, start: number, end: number): number {
    const seen = this.#length;
    const taken = Math.min(end - start, this.#rules.maxHeadBytes + 1 - seen);
    const section = this.#reserve(seen + taken);
    section.set(bytes.subarray(start, start + taken), seen);
    this.#length += taken;
    if (this.#length < this.#rules.maxHeadBytes && !canDecideLine(section, this.#line, seen, this.#length))
      return 0;

    const result = scanFieldLines(section, table, 0, this.#line, this.#length, this.#rules, this.#count);
    if (result < 0) return sectionError(result);
    if (result === 0 && section[this.#length - 1] === LF) {
      this.#line = this.#length;
      this.#count++;
    }
    return Math.sign(result);
  }

  #reserve(length: number): Uint8Array {
    if (this.#bytes === undefined || this.#bytes.length < length) {
      const larger = new Uint8Array(Math.max(FIRST_BYTES, 2 * length));
      if (this.#bytes !== undefined) larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    return this.#bytes;
  }

  /** The fields of the complete section without the forbidden ones: lower-case name, value, name, value … */
  toFields(): string[] {
    const bytes = this.#bytes!;
    clear(table);
    scanFieldLines(bytes, table, 0, 0, this.#length, this.#rules);
    const text = latin1View(bytes);
    const fields: string[] = [];
    for (let i = 0; i < table[T.COUNT]!; i++) {
      const record = T.RECORDS + i * T.RECORD_SIZE;
      const name = text.latin1Slice(table[record]!, table[record + T.NAME_END]!).toLowerCase();
      if (FORBIDDEN_TRAILERS.has(name)) continue;
      fields.push(name, text.latin1Slice(table[record + T.VALUE_START]!, table[record + T.VALUE_END]!));
    }
    return fields;
  }
}

function sectionError(result: number): number {
  if (result === -ERROR.headTooLarge) return -ERROR.trailersTooLarge;
  return result === -ERROR.tooManyFields ? -ERROR.tooManyTrailers : result;
}
