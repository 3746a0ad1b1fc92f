import { ERROR } from "./errors.js";
import { FieldTable } from "./field-table.js";
import { connectionOptions, OPTION_CLOSE, OPTION_KEEP_ALIVE, OPTION_UPGRADE } from "./framing/connection.js";
import { parseContentLength } from "./framing/content-length.js";
import { expectation } from "./framing/expect.js";
import { isAuthority } from "./framing/host.js";
import { RequestTarget, type TargetForm } from "./framing/target.js";
import { TransferCodings } from "./framing/transfer-encoding.js";
import { type HeadLimits, resolveHeadLimits } from "./options.js";
import type { PlanRequest } from "./plan.js";
import { scanRequestPlain } from "./scan/plain.js";
import type { HeadScanner } from "./scan/scanner.js";
import * as T from "./scan/table.js";
import { LF } from "./tables/bytes.js";
import { FIELD } from "./tables/fields.js";
import { METHOD, METHOD_NAMES, type MethodId, methodIdOf } from "./tables/methods.js";

const codings = new TransferCodings();
const HOST_BIT = 1 << FIELD.host;
const CONNECTION_BIT = 1 << FIELD.connection;
const LENGTH_BIT = 1 << FIELD.contentLength;
const ENCODING_BIT = 1 << FIELD.transferEncoding;
const EXPECT_BIT = 1 << FIELD.expect;
const UPGRADE_BIT = 1 << FIELD.upgrade;
/** Fields that change how a request is framed or routed. */
const DECIDING = CONNECTION_BIT | LENGTH_BIT | ENCODING_BIT | EXPECT_BIT | UPGRADE_BIT;

/**
 * A request head over a scanner's bytes: one object for all requests of a thread. {@link parse} allocates
 * nothing; everything is valid until the next `parse()` and only while the bytes stay where they are.
 */
export class RequestHead extends FieldTable implements PlanRequest {
  /** The limits in force. */
  readonly limits: HeadLimits;
  methodId: MethodId = METHOD.other;
  minorVersion = 1;
  /** Announced length of the content; -1 when there is no Content-Length. */
  contentLength = -1;
  /** The content comes in chunks. */
  chunked = false;
  /** Whether the connection may carry another request after this one (RFC 9112 §9.3). */
  keepAlive = true;
  /** The client waits for 100 (Continue) before it sends its content (RFC 9110 §10.1.1). */
  expectContinue = false;
  /** Upgrade is there and Connection lists it, in HTTP/1.1 (RFC 9110 §7.8). */
  upgrade = false;
  /** After an error: the byte that is wrong, counted from `start`. */
  errorOffset = 0;
  readonly #scanner: HeadScanner;
  readonly #earlyBytes: number;
  readonly #target = new RequestTarget();
  #methodText: string | undefined;
  #targetText: string | undefined;

  /** @throws {Http1OptionError} for an unknown limit or one out of bounds */
  constructor(scanner: HeadScanner, limits: Partial<HeadLimits> = {}) {
    super(scanner);
    this.limits = resolveHeadLimits(limits);
    this.#scanner = scanner;
    // With fewer bytes than this, an incomplete head cannot have broken a limit other than the field count.
    this.#earlyBytes = Math.min(this.limits.maxRequestLineBytes, this.limits.maxHeadBytes);
  }

  /**
   * Parses the head in `bytes[start, end)`. Empty lines in front are skipped and counted.
   *
   * @param seen how many bytes from `start` an earlier call already answered with 0. When more bytes of a head
   *   came and none of them ends a line, they are not scanned again: a client that sends byte by byte costs a
   *   scan per line, not per byte.
   * @returns the head's length; 0 when it is incomplete (errors and limits are reported as soon as they are
   *   known); a negated error id for {@link parseErrorOf}
   */
  parse(start: number, end: number, seen = 0): number {
    if (seen > 0 && end - start < this.#earlyBytes && !hasLf(this.bytes, start + seen, end)) return 0;
    const { limits, table } = this;
    let length = this.#scanner.scan(start, end);
    const exceeded =
      length > 0
        ? length > limits.maxHeadBytes ||
          table[T.COUNT]! > limits.maxFields ||
          this.#lineLength() > limits.maxRequestLineBytes
        : length < 0 || end - start >= this.#earlyBytes || table[T.COUNT]! > limits.maxFields;
    // The reference scanner says which rule was broken first.
    if (exceeded) length = scanRequestPlain(this.bytes, table, start, end, limits);
    if (length <= 0) {
      this.errorOffset = table[T.ERROR_OFFSET]!;
      return length;
    }
    const error = this.#interpret(start);
    return error < 0 ? error : length;
  }

  /**
   * Copies the head out of the scanner's bytes: it stays valid when they are overwritten, and whoever parses the
   * next head takes another `RequestHead`. For requests that outlive the call in which they were parsed.
   * @param length what {@link parse} returned
   */
  detach(length: number): void {
    const { base } = this;
    this.detachFields(length);
    this.#target.shift(-base);
  }

  /** Method, target, version and the two spaces between them. */
  #lineLength(): number {
    return this.table[T.TARGET_END]! - this.table[T.METHOD_START]! + " HTTP/1.1".length;
  }

  /** From offsets to meaning: 0, or a negated error id. */
  #interpret(start: number): number {
    const { table, bytes } = this;
    this.setFields(start);
    const minor = table[T.MINOR_VERSION]!;
    const hints = table[T.HINTS]!;
    this.#methodText = undefined;
    this.#targetText = undefined;
    this.minorVersion = minor;
    this.contentLength = -1;
    this.chunked = false;
    this.expectContinue = false;
    this.upgrade = false;
    this.keepAlive = minor === 1;

    let method: number = METHOD.GET;
    if ((hints & T.HINT_GET) === 0) {
      method = methodIdOf(bytes, start + table[T.METHOD_START]!, start + table[T.METHOD_END]!);
      if (method < 0) return this.#fail(table[T.METHOD_START]!, -ERROR.methodCase);
    }
    this.methodId = method as MethodId;

    const target = this.#target.parse(
      bytes,
      start + table[T.TARGET_START]!,
      start + table[T.TARGET_END]!,
      method,
    );
    if (target < 0) return this.#fail(table[T.TARGET_START]!, target);

    if ((hints & T.HINT_HOST) === 0) {
      const host = this.#host();
      if (host < 0) return host;
    }
    return (this.fieldMask & DECIDING) === 0 ? 0 : this.#framing();
  }

  #fail(offset: number, error: number): number {
    this.errorOffset = offset;
    return error;
  }

  /** Exactly one valid Host in HTTP/1.1; HTTP/1.0 may lack it (RFC 9112 §3.2). */
  #host(): number {
    if ((this.fieldMask & HOST_BIT) === 0) {
      return this.minorVersion === 0 ? 0 : this.#fail(this.table[T.METHOD_START]!, -ERROR.missingHost);
    }
    const i = this.lineOf(FIELD.host);
    if ((this.#repeated() & HOST_BIT) !== 0) return this.#failAt(i, -ERROR.duplicateHost);
    const start = this.valueStart(i);
    const end = this.valueEnd(i);
    // Empty is what a client sends whose target has no authority.
    if (start !== end && !isAuthority(this.bytes, start, end)) return this.#failAt(i, -ERROR.badHost);
    return 0;
  }

  #repeated(): number {
    return this.table[T.REPEATED]! | (this.table[T.REPEATED + 1]! << 16);
  }

  #failAt(line: number, error: number): number {
    this.errorOffset = this.valueStart(line) - this.base;
    return error;
  }

  /** Content-Length, Transfer-Encoding, Connection, Expect, Upgrade. */
  #framing(): number {
    const mask = this.fieldMask;
    if ((mask & (LENGTH_BIT | ENCODING_BIT)) !== 0) {
      const error = this.#content(mask);
      if (error < 0) return error;
    }
    let options = 0;
    if ((mask & CONNECTION_BIT) !== 0) {
      for (let i = this.indexOf(FIELD.connection); i >= 0; i = this.indexOf(FIELD.connection, i + 1)) {
        options |= connectionOptions(this.bytes, this.valueStart(i), this.valueEnd(i));
      }
      if ((options & OPTION_CLOSE) !== 0) this.keepAlive = false;
      else if (this.minorVersion === 0) this.keepAlive = (options & OPTION_KEEP_ALIVE) !== 0;
    }
    // HTTP/1.0 knows neither Expect nor Upgrade: both are ignored there (RFC 9110 §10.1.1, §7.8).
    if (this.minorVersion === 0) return 0;
    this.upgrade = (mask & UPGRADE_BIT) !== 0 && (options & OPTION_UPGRADE) !== 0;
    return (mask & EXPECT_BIT) === 0 ? 0 : this.#expect();
  }

  /** How long the content is (RFC 9112 §6.3). */
  #content(mask: number): number {
    if ((mask & ENCODING_BIT) === 0) {
      const i = this.indexOf(FIELD.contentLength);
      if ((this.#repeated() & LENGTH_BIT) !== 0) {
        return this.#failAt(this.indexOf(FIELD.contentLength, i + 1), -ERROR.duplicateContentLength);
      }
      const length = parseContentLength(this.bytes, this.valueStart(i), this.valueEnd(i));
      if (length < 0) return this.#failAt(i, length);
      this.contentLength = length;
      return 0;
    }
    const first = this.indexOf(FIELD.transferEncoding);
    if ((mask & LENGTH_BIT) !== 0) return this.#failAt(first, -ERROR.transferEncodingWithLength);
    if (this.minorVersion === 0) return this.#failAt(first, -ERROR.transferEncodingVersion);
    codings.reset();
    for (let i = first; i >= 0; i = this.indexOf(FIELD.transferEncoding, i + 1)) {
      codings.add(this.bytes, this.valueStart(i), this.valueEnd(i));
    }
    const error = codings.result();
    if (error < 0) return this.#failAt(first, error);
    this.chunked = true;
    return 0;
  }

  #expect(): number {
    let waits = false;
    for (let i = this.indexOf(FIELD.expect); i >= 0; i = this.indexOf(FIELD.expect, i + 1)) {
      const found = expectation(this.bytes, this.valueStart(i), this.valueEnd(i));
      if (found < 0) return this.#failAt(i, -ERROR.unknownExpectation);
      if (found > 0) waits = true;
    }
    // Without content there is nothing to wait for.
    this.expectContinue = waits && (this.chunked || this.contentLength > 0);
    return 0;
  }

  /** The method as sent. */
  get method(): string {
    if (this.methodId !== METHOD.other) return METHOD_NAMES[this.methodId]!;
    this.#methodText ??= this.text(
      this.base + this.table[T.METHOD_START]!,
      this.base + this.table[T.METHOD_END]!,
    );
    return this.#methodText;
  }

  /** Path and query, `*`, or the authority of CONNECT. */
  get target(): string {
    this.#targetText ??= this.text(this.#target.start, this.#target.end);
    return this.#targetText;
  }

  /** Where {@link target} lies in {@link bytes}. */
  get targetStart(): number {
    return this.#target.start;
  }
  get targetEnd(): number {
    return this.#target.end;
  }

  /** The form in which the target came. */
  get targetForm(): TargetForm {
    return this.#target.form;
  }

  /** `host[:port]` of the absolute or authority form, otherwise of Host; empty when there is none. */
  get authority(): string {
    const { authorityStart, authorityEnd } = this.#target;
    // An absolute target overrides Host (RFC 9112 §3.2.2).
    if (authorityEnd > authorityStart) return this.text(authorityStart, authorityEnd);
    return (this.fieldMask & HOST_BIT) === 0 ? "" : this.fieldValue(this.lineOf(FIELD.host));
  }

  /** {@link authority} without the port, in lower case. */
  get host(): string {
    const { authority } = this;
    return authority.replace(/:\d*$/, "").toLowerCase();
  }
}

function hasLf(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] === LF) return true;
  return false;
}
