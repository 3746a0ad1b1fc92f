import { CONNECTION_BIT, ENCODING_BIT, LENGTH_BIT, MessageHead } from "./message-head.js";
import type { HeadLimits } from "./options.js";
import { type LenientOptions, resolveRelaxations } from "./relaxations.js";
import { scanFieldLines } from "./scan/plain-fields.js";
import { clear } from "./scan/rules.js";
import type { HeadScanner } from "./scan/scanner.js";
import { type StatusLine, scanStatusLine } from "./scan/status-line.js";
import * as T from "./scan/table.js";
import { METHOD, type MethodId } from "./tables/methods.js";

/**
 * How the content of a reply ends (RFC 9112 §6.3): there is none; after `contentLength` bytes; by the last chunk;
 * when the connection closes; or the connection is a tunnel from here on (CONNECT).
 */
export type ReplyContent = "none" | "length" | "chunked" | "close" | "tunnel";

/**
 * A response as it is received, for clients and proxies, over a scanner's bytes; what a server sends is
 * `ResponseHead`. One object for all replies of a thread; valid until the next {@link parse}.
 *
 * The `status` of its parse errors is for requests: a gateway answers 502 to its own client.
 */
export class ReplyHead extends MessageHead {
  status = 0;
  content: ReplyContent = "none";
  readonly #line: StatusLine = { minorVersion: 1, status: 0, reasonStart: 0, reasonEnd: 0 };

  /** @throws {Http1OptionError} for an unknown limit, one out of bounds, or an unknown relaxation */
  constructor(scanner: HeadScanner, limits: Partial<HeadLimits> = {}, options: LenientOptions = {}) {
    super(scanner, limits, resolveRelaxations(options, "reply"));
  }

  /**
   * Parses the head in `bytes[start, end)`. Interim replies (1xx) come one by one, each with its own `parse()`.
   *
   * @param method the request's method: it decides whether content follows
   * @param seen how many bytes from `start` an earlier call already answered with 0
   * @returns the head's length, 0 when it is incomplete, or a negated error id
   */
  parse(start: number, end: number, method: MethodId, seen = 0): number {
    if (this.isStillIncomplete(start, end, seen)) return 0;
    const { table, bytes, rules } = this;
    clear(table);
    const fields = scanStatusLine(bytes, table, start, end, rules, this.#line);
    let length = fields;
    if (fields > 0) {
      length = this.scanner.scanFields(start, fields, end);
      if (this.needsRules(length, 0, end - start)) {
        clear(table);
        length = scanFieldLines(bytes, table, start, fields, end, rules);
      }
    }
    if (length <= 0) {
      this.errorOffset = table[T.ERROR_OFFSET]!;
      return length;
    }
    const error = this.#interpret(start, method);
    return error < 0 ? error : length;
  }

  #interpret(start: number, method: MethodId): number {
    this.setFields(start);
    this.resetFraming();
    const { status, minorVersion } = this.#line;
    this.status = status;
    this.minorVersion = minorVersion;
    this.keepAlive = minorVersion === 1;
    this.upgrade = status === 101;
    if ((this.fieldMask & CONNECTION_BIT) !== 0) this.readConnection();

    if (method === METHOD.CONNECT && status >= 200 && status < 300) {
      this.content = "tunnel";
      return 0;
    }
    // Whatever the fields say; a reply to HEAD may still announce the length that GET would have.
    const bare = status < 200 || status === 204 || status === 304;
    if (bare || (this.fieldMask & (LENGTH_BIT | ENCODING_BIT)) === 0) {
      this.content = bare || method === METHOD.HEAD ? "none" : "close";
    } else {
      const result = this.readContent();
      if (result < 0) return result;
      if (result > 0) this.keepAlive = false;
      this.content = method === METHOD.HEAD ? "none" : this.chunked ? "chunked" : "length";
    }
    if (this.content === "close") this.keepAlive = false;
    return 0;
  }

  /** The reason phrase; may be empty, means nothing (RFC 9112 §4). */
  get reason(): string {
    return this.text(this.#line.reasonStart, this.#line.reasonEnd);
  }
}
