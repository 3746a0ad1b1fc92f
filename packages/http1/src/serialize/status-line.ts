import { HeadWriteError } from "../errors.js";
import { REASON_PHRASES } from "../tables/status.js";

const STATUS_MIN = 100;
const STATUS_MAX = 599;

/** Made once each, on first use. */
const lines: (string | undefined)[] = new Array(STATUS_MAX + 1).fill(undefined);

/** @throws {HeadWriteError} when `status` is not an integer from 100 to 599 */
export function checkStatus(status: number): void {
  if (!Number.isInteger(status) || status < STATUS_MIN || status > STATUS_MAX) {
    throw new HeadWriteError(
      "TZ_HTTP1_WRITE_STATUS",
      `Status ${status} is not an integer from ${STATUS_MIN} to ${STATUS_MAX}`,
    );
  }
}

/**
 * `HTTP/1.1 200 OK CRLF`; with an empty reason phrase for a status that is not registered (RFC 9112 §4: the
 * space before it stays).
 * @throws {HeadWriteError} when `status` is not an integer from 100 to 599
 */
export function statusLine(status: number): string {
  const line = lines[status];
  if (line !== undefined) return line;
  checkStatus(status);
  return (lines[status] = `HTTP/1.1 ${status} ${REASON_PHRASES[status] ?? ""}\r\n`);
}
