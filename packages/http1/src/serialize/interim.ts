import { HeadWriteError } from "../errors.js";
import { fieldLines } from "./field-check.js";
import { checkInterimFields } from "./interim-fields.js";
import { statusLine } from "./status-line.js";

/**
 * An interim reply, whole (RFC 9110 §15.2): 100 (Continue) before content is read, 103 (Early Hints), 101 when the
 * protocol changes. HTTP/1.0 clients must not get one.
 * @param fields flat list: name, value, name, value …
 * @throws {HeadWriteError} for a status that is not 1xx, and for what `ResponseHead` refuses
 */
export function encodeInterim(status: number, fields: readonly string[] = []): Uint8Array {
  if (!(status >= 100 && status < 200))
    throw new HeadWriteError("TZ_HTTP1_WRITE_STATUS", `Status ${status} is not an interim one (1xx)`);
  const lines = fieldLines(fields);
  checkInterimFields(status, fields);
  return Buffer.from(`${statusLine(status)}${lines}\r\n`, "latin1");
}
