import { Http1Error } from "../errors.js";

/** Text that is no structured field, or a value that cannot be written as one. A recipient ignores the whole field (RFC 9651 §4.2). */
export class StructuredFieldError extends Http1Error {
  /** Where in the text; -1 when a value cannot be written. */
  readonly offset: number;
  constructor(message: string, offset = -1) {
    super("TZ_HTTP1_STRUCTURED_FIELD", offset < 0 ? message : `${message} at ${offset}`);
    this.name = "StructuredFieldError";
    this.offset = offset;
  }
}
