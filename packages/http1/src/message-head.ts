import { ERROR } from "./errors.js";
import { FieldTable } from "./field-table.js";
import { connectionOptions, OPTION_CLOSE, OPTION_KEEP_ALIVE } from "./framing/connection.js";
import { parseContentLength } from "./framing/content-length.js";
import { TokenList } from "./framing/list.js";
import { TransferCodings } from "./framing/transfer-encoding.js";
import { type HeadLimits, resolveHeadLimits } from "./options.js";
import { RELAX } from "./relaxations.js";
import { EMPTY_LINES_MAX } from "./scan/plain.js";
import type { ScanRules } from "./scan/rules.js";
import type { HeadScanner } from "./scan/scanner.js";
import * as T from "./scan/table.js";
import { LF } from "./tables/bytes.js";
import { FIELD } from "./tables/fields.js";

const codings = new TransferCodings();
const list = new TokenList();
/** Empty lines may stand in front of a request line, which they do not count for. */
const EMPTY_LINES_BYTES_MAX = 2 * EMPTY_LINES_MAX;
export const HOST_BIT = 1 << FIELD.host;
export const CONNECTION_BIT = 1 << FIELD.connection;
export const LENGTH_BIT = 1 << FIELD.contentLength;
export const ENCODING_BIT = 1 << FIELD.transferEncoding;
export const EXPECT_BIT = 1 << FIELD.expect;
export const UPGRADE_BIT = 1 << FIELD.upgrade;

/** What requests and replies have in common: fields, framing (RFC 9112 §6) and persistence (§9.3). */
export abstract class MessageHead extends FieldTable {
  /** The limits in force. */
  readonly limits: HeadLimits;
  /** HTTP/1.`minorVersion`: 0 or 1. A higher one counts as 1 (RFC 9110 §2.5). */
  minorVersion = 1;
  /** Announced length of the content; -1 when there is no Content-Length. */
  contentLength = -1;
  /** The content comes in chunks. */
  chunked = false;
  /** Whether the connection may carry another message after this one (RFC 9112 §9.3). */
  keepAlive = true;
  /** The protocol may change, or changes, after this message (RFC 9110 §7.8). */
  upgrade = false;
  /** After an error: the byte that is wrong, counted from `start`. */
  errorOffset = 0;
  protected readonly scanner: HeadScanner;
  protected readonly rules: ScanRules;
  /** With fewer bytes than this, an incomplete head cannot have broken a limit other than the field count. */
  readonly #earlyBytes: number;

  /** @throws {Http1OptionError} for an unknown limit or one out of bounds */
  constructor(scanner: HeadScanner, limits: Partial<HeadLimits>, relax: number) {
    super(scanner);
    this.limits = resolveHeadLimits(limits);
    this.rules = { ...this.limits, relax };
    this.scanner = scanner;
    this.#earlyBytes = Math.min(this.limits.maxRequestLineBytes, this.limits.maxHeadBytes);
  }

  /**
   * Of `seen` bytes it is known that they are incomplete. Without another line end, and unless a limit has been
   * reached since, they still are: a peer that sends byte by byte costs a scan per line, not per byte.
   */
  protected isStillIncomplete(start: number, end: number, seen: number): boolean {
    const available = end - start;
    const { maxRequestLineBytes, maxHeadBytes } = this.limits;
    if (seen <= 0 || available >= maxHeadBytes) return false;
    // Whoever has seen more than the longest start line has seen its end.
    if (available > maxRequestLineBytes && seen <= maxRequestLineBytes + EMPTY_LINES_BYTES_MAX) return false;
    for (let i = start + seen; i < end; i++) if (this.bytes[i] === LF) return false;
    return true;
  }

  /** Whether the fast scan's result has to be looked at again, by the rules of this head. */
  protected needsRules(length: number, lineLength: number, available: number): boolean {
    const { limits, table } = this;
    if (table[T.COUNT]! > limits.maxFields) return true;
    if (length > 0) return length > limits.maxHeadBytes || lineLength > limits.maxRequestLineBytes;
    return length < 0 || available >= this.#earlyBytes;
  }

  protected resetFraming(): void {
    this.contentLength = -1;
    this.chunked = false;
    this.upgrade = false;
  }

  protected fail(offset: number, error: number): number {
    this.errorOffset = offset;
    return error;
  }

  protected failAt(line: number, error: number): number {
    this.errorOffset = this.valueStart(line) - this.base;
    return error;
  }

  /** Bits of the ids that are there more than once. */
  protected repeated(): number {
    return this.table[T.REPEATED]! | (this.table[T.REPEATED + 1]! << 16);
  }

  /**
   * Content-Length and Transfer-Encoding (RFC 9112 §6.3).
   * @returns 0; 1 when a relaxation accepts them but the connection must close; or a negated error id
   */
  protected readContent(): number {
    if ((this.fieldMask & ENCODING_BIT) === 0) return this.#readLength();
    const first = this.indexOf(FIELD.transferEncoding);
    let close = 0;
    if ((this.fieldMask & LENGTH_BIT) !== 0) {
      if ((this.rules.relax & RELAX.lengthWithTransferEncoding) === 0)
        return this.failAt(first, -ERROR.transferEncodingWithLength);
      close = 1;
    }
    if (this.minorVersion === 0) {
      if ((this.rules.relax & RELAX.http10TransferEncoding) === 0)
        return this.failAt(first, -ERROR.transferEncodingVersion);
      close = 1;
    }
    codings.reset();
    for (let i = first; i >= 0; i = this.indexOf(FIELD.transferEncoding, i + 1)) {
      codings.add(this.bytes, this.valueStart(i), this.valueEnd(i));
    }
    const error = codings.result();
    if (error < 0) return this.failAt(first, error);
    this.chunked = true;
    return close;
  }

  #readLength(): number {
    const first = this.indexOf(FIELD.contentLength);
    if ((this.rules.relax & RELAX.repeatedContentLength) !== 0) return this.#readEqualLengths(first);
    if ((this.repeated() & LENGTH_BIT) !== 0) {
      return this.failAt(this.indexOf(FIELD.contentLength, first + 1), -ERROR.duplicateContentLength);
    }
    const length = parseContentLength(this.bytes, this.valueStart(first), this.valueEnd(first));
    if (length < 0) return this.failAt(first, length);
    this.contentLength = length;
    return 0;
  }

  #readEqualLengths(first: number): number {
    for (let i = first; i >= 0; i = this.indexOf(FIELD.contentLength, i + 1)) {
      list.reset(this.bytes, this.valueStart(i), this.valueEnd(i));
      if (!list.next()) return this.failAt(i, -ERROR.badContentLength);
      do {
        const length = parseContentLength(this.bytes, list.start, list.end);
        if (length < 0) return this.failAt(i, length);
        if (this.contentLength >= 0 && this.contentLength !== length)
          return this.failAt(i, -ERROR.duplicateContentLength);
        this.contentLength = length;
      } while (list.next());
    }
    return 0;
  }

  /** Sets {@link keepAlive}; returns the options that the Connection lines list. */
  protected readConnection(): number {
    let options = 0;
    for (let i = this.indexOf(FIELD.connection); i >= 0; i = this.indexOf(FIELD.connection, i + 1)) {
      options |= connectionOptions(this.bytes, this.valueStart(i), this.valueEnd(i));
    }
    if ((options & OPTION_CLOSE) !== 0) this.keepAlive = false;
    else if (this.minorVersion === 0) this.keepAlive = (options & OPTION_KEEP_ALIVE) !== 0;
    return options;
  }
}
