import { HeadWriteError } from "../errors.js";

const FRAMING = new Set(["content-length", "transfer-encoding"]);

/**
 * A 1xx has no content, and nothing that says where some would end (RFC 9110 §8.6, RFC 9112 §6.1): a client that believes
 * it takes the answer behind it for content.
 * @param fields a flat list: name, value, name, value …
 * @throws {HeadWriteError} `TZ_HTTP1_WRITE_NAME` for `Content-Length` or `Transfer-Encoding` with a status below 200
 */
export function checkInterimFields(status: number, fields: readonly string[]): void {
  if (status >= 200) return;
  const wrong = fields.find((name, i) => i % 2 === 0 && FRAMING.has(name.toLowerCase()));
  if (wrong === undefined) return;
  throw new HeadWriteError(
    "TZ_HTTP1_WRITE_NAME",
    `Status ${status} is an interim one and cannot have ${wrong} (RFC 9110 §8.6, RFC 9112 §6.1)`,
  );
}
