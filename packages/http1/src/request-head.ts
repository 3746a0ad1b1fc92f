import { ERROR } from "./errors.js";
import { OPTION_UPGRADE } from "./framing/connection.js";
import { expectation } from "./framing/expect.js";
import { isAuthority } from "./framing/host.js";
import { RequestTarget, type TargetForm } from "./framing/target.js";
import {
  CONNECTION_BIT,
  ENCODING_BIT,
  EXPECT_BIT,
  HOST_BIT,
  LENGTH_BIT,
  MessageHead,
  UPGRADE_BIT,
} from "./message-head.js";
import type { HeadLimits } from "./options.js";
import type { PlanRequest } from "./plan.js";
import { type LenientOptions, RELAX, resolveRelaxations } from "./relaxations.js";
import { scanRequestPlain } from "./scan/plain.js";
import type { HeadScanner } from "./scan/scanner.js";
import * as T from "./scan/table.js";
import { FIELD } from "./tables/fields.js";
import { METHOD, METHOD_NAMES, type MethodId, methodIdOf } from "./tables/methods.js";

/** Fields that change how a request is framed or routed. */
const DECIDING = CONNECTION_BIT | LENGTH_BIT | ENCODING_BIT | EXPECT_BIT | UPGRADE_BIT;

/**
 * A request head over a scanner's bytes: one object for all requests of a thread. {@link parse} allocates
 * nothing; everything is valid until the next `parse()` and only while the bytes stay where they are.
 *
 * A valid head is read in the same way with and without relaxations; those only decide about what is not valid.
 */
export class RequestHead extends MessageHead implements PlanRequest {
  methodId: MethodId = METHOD.other;
  /** The client waits for 100 (Continue) before it sends its content (RFC 9110 §10.1.1). */
  expectContinue = false;
  readonly #target = new RequestTarget();
  #methodText: string | undefined;
  #targetText: string | undefined;

  /** @throws {Http1OptionError} for an unknown limit, one out of bounds, or an unknown relaxation */
  constructor(scanner: HeadScanner, limits: Partial<HeadLimits> = {}, options: LenientOptions = {}) {
    super(scanner, limits, resolveRelaxations(options, "request"));
  }

  /**
   * Parses the head in `bytes[start, end)`. Empty lines in front are skipped and counted.
   *
   * @param seen how many bytes from `start` an earlier call already answered with 0; with it, a
   *   field that comes byte by byte is scanned when it is over and not with each byte
   * @returns the head's length; 0 when it is incomplete (errors and limits are reported as soon as they are
   *   known); a negated error id for {@link parseErrorOf}
   */
  parse(start: number, end: number, seen = 0): number {
    if (this.isStillIncomplete(start, end, seen)) return 0;
    const { table } = this;
    let length = this.scanner.scan(start, end);
    // Method, target, version and the two spaces between them.
    const lineLength = table[T.TARGET_END]! - table[T.METHOD_START]! + " HTTP/1.1".length;
    // The reference scanner says which rule was broken first.
    if (this.needsRules(length, lineLength, end - start))
      length = scanRequestPlain(this.bytes, table, start, end, this.rules);
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

  /** From offsets to meaning: 0, or a negated error id. */
  #interpret(start: number): number {
    const { table, bytes } = this;
    this.setFields(start);
    const minor = table[T.MINOR_VERSION]!;
    const hints = table[T.HINTS]!;
    this.resetFraming();
    this.#methodText = undefined;
    this.#targetText = undefined;
    this.expectContinue = false;
    this.minorVersion = minor;
    this.keepAlive = minor === 1;

    let method: number = METHOD.GET;
    if ((hints & T.HINT_GET) === 0) {
      method = methodIdOf(bytes, start + table[T.METHOD_START]!, start + table[T.METHOD_END]!);
      if (method < 0) return this.fail(table[T.METHOD_START]!, -ERROR.methodCase);
    }
    this.methodId = method as MethodId;

    const target = this.#target.parse(
      bytes,
      start + table[T.TARGET_START]!,
      start + table[T.TARGET_END]!,
      method,
    );
    if (target < 0) return this.fail(table[T.TARGET_START]!, target);

    if ((hints & T.HINT_HOST) === 0) {
      const host = this.#checkHost();
      if (host < 0) return host;
    }
    return (this.fieldMask & DECIDING) === 0 ? 0 : this.#readDeciding();
  }

  /** Exactly one valid Host in HTTP/1.1; HTTP/1.0 may lack it (RFC 9112 §3.2). */
  #checkHost(): number {
    if ((this.fieldMask & HOST_BIT) === 0) {
      if (this.minorVersion === 0 || (this.rules.relax & RELAX.missingHost) !== 0) return 0;
      return this.fail(this.table[T.METHOD_START]!, -ERROR.missingHost);
    }
    const i = this.lineOf(FIELD.host);
    if ((this.repeated() & HOST_BIT) !== 0) return this.failAt(i, -ERROR.duplicateHost);
    const start = this.valueStart(i);
    const end = this.valueEnd(i);
    // Empty is what a client sends whose target has no authority.
    return start === end || isAuthority(this.bytes, start, end) ? 0 : this.failAt(i, -ERROR.badHost);
  }

  /** Content-Length, Transfer-Encoding, Connection, Expect, Upgrade. */
  #readDeciding(): number {
    const mask = this.fieldMask;
    const content = (mask & (LENGTH_BIT | ENCODING_BIT)) === 0 ? 0 : this.readContent();
    if (content < 0) return content;
    const options = (mask & CONNECTION_BIT) === 0 ? 0 : this.readConnection();
    if (content > 0) this.keepAlive = false;
    // HTTP/1.0 knows neither Expect nor Upgrade: both are ignored there (RFC 9110 §10.1.1, §7.8).
    if (this.minorVersion === 0) return 0;
    this.upgrade = (mask & UPGRADE_BIT) !== 0 && (options & OPTION_UPGRADE) !== 0;
    return (mask & EXPECT_BIT) === 0 ? 0 : this.#readExpect();
  }

  #readExpect(): number {
    let waits = false;
    for (let i = this.indexOf(FIELD.expect); i >= 0; i = this.indexOf(FIELD.expect, i + 1)) {
      const found = expectation(this.bytes, this.valueStart(i), this.valueEnd(i));
      if (found < 0) return this.failAt(i, -ERROR.unknownExpectation);
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
