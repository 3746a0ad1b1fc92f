import { fieldLines } from "./serialize/field-check.js";
import { framingOf, type HeadFraming } from "./serialize/head-framing.js";
import { checkInterimFields } from "./serialize/interim-fields.js";
import { checkStatus } from "./serialize/status-line.js";

/** Status and fields of an answer, checked and encoded once and sent many times. */
export class ResponseHead {
  readonly status: number;
  /** Flat list: name, value, name, value … */
  readonly fields: readonly string[];
  readonly #text: string;
  #bytes: Uint8Array | undefined;
  #framing: HeadFraming | undefined;

  /**
   * @throws {HeadWriteError} for a status outside 100 … 599, a name that is not a token, or a value with CR, LF,
   *   NUL, another control character or one beyond U+00FF: a head that exists can be sent; for `Content-Length` or
   *   `Transfer-Encoding` in a 1xx
   */
  constructor(status: number, fields: readonly string[]) {
    checkStatus(status);
    this.#text = `${fieldLines(fields)}\r\n`;
    checkInterimFields(status, fields);
    this.status = status;
    this.fields = fields;
  }

  /** What the fields say of the message itself, for its executor. */
  get framing(): HeadFraming {
    return (this.#framing ??= framingOf(this.fields));
  }

  /** The length of {@link bytes}: a character of ISO-8859-1 is a byte. */
  get byteLength(): number {
    return this.#text.length;
  }

  /** Writes {@link bytes} into memory of the caller and keeps nothing. It must have room for `byteLength`. */
  writeTo(target: Uint8Array, offset: number): void {
    Buffer.from(target.buffer, target.byteOffset + offset, this.#text.length).write(this.#text, "latin1");
  }

  /** `Name: value CRLF … CRLF`: all that follows the status line, `Date` and `Connection`, with the empty line. */
  get bytes(): Uint8Array {
    return (this.#bytes ??= Buffer.from(this.#text, "latin1"));
  }
}
