import { ERROR } from "./errors.js";
import { FieldTable } from "./field-table.js";
import { connectionOptions, OPTION_CLOSE, OPTION_KEEP_ALIVE } from "./framing/connection.js";
import { parseContentLength } from "./framing/content-length.js";
import { TokenList } from "./framing/list.js";
import { TransferCodings } from "./framing/transfer-encoding.js";
import { type HeadLimits, resolveHeadLimits } from "./options.js";
import { RELAX } from "./relaxations.js";
import { canDecideLine } from "./scan/pending-line.js";
import { isLineEnd, type ScanRules } from "./scan/rules.js";
import type { HeadScanner } from "./scan/scanner.js";
import * as T from "./scan/table.js";
import { LF } from "./tables/bytes.js";
import { FIELD } from "./tables/fields.js";

const codings = new TransferCodings();
const list = new TokenList();
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
   * Of `seen` bytes it is known that they are incomplete. Whether they still are with those that came since, as far
   * as can be told without scanning again; `false` when that takes a scan.
   */
  protected isStillIncomplete(start: number, end: number, seen: number): boolean {
    if (seen <= 0 || end - start >= this.limits.maxHeadBytes) return false;
    const { bytes } = this;
    const seenEnd = start + seen;
    let startLine = start;
    while (startLine < seenEnd && isLineEnd(bytes[startLine]!)) startLine++;
    const firstEnd = bytes.indexOf(LF, startLine);
    // Start lines are short: they are scanned each time.
    if (firstEnd < 0 || firstEnd >= seenEnd) return false;
    return !canDecideLine(bytes, bytes.lastIndexOf(LF, seenEnd - 1) + 1, seenEnd, end);
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
    const line = this.lineOf(FIELD.connection);
    let options = connectionOptions(this.bytes, this.valueStart(line), this.valueEnd(line));
    if ((this.repeated() & CONNECTION_BIT) !== 0) options |= this.#otherConnectionOptions(line);
    if ((options & OPTION_CLOSE) !== 0) this.keepAlive = false;
    else if (this.minorVersion === 0) this.keepAlive = (options & OPTION_KEEP_ALIVE) !== 0;
    return options;
  }

  #otherConnectionOptions(last: number): number {
    let options = 0;
    for (let i = this.indexOf(FIELD.connection); i < last; i = this.indexOf(FIELD.connection, i + 1)) {
      options |= connectionOptions(this.bytes, this.valueStart(i), this.valueEnd(i));
    }
    return options;
  }
}
