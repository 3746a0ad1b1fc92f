/** `Content-Length` is not said. */
export const NO_LENGTH = -1;
/** `Content-Length` is said more than once, or is no length. */
export const UNCLEAR_LENGTH = -2;

/** What a list of fields says of its message beside the content. */
export interface HeadFraming {
  /** The value of `Content-Length`, {@link NO_LENGTH} or {@link UNCLEAR_LENGTH}. */
  readonly contentLength: number;
  /** How often it says `Date`. */
  readonly dates: number;
  /** It says `Connection`, `Keep-Alive`, `Proxy-Connection` or `Transfer-Encoding`: those concern one connection. */
  readonly ofConnection: boolean;
}

/** Of up to 2^53 - 1. */
const LENGTH = /^\d{1,15}$/;
const OF_CONNECTION = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding"]);
const DATE_LENGTH = "date".length;
const CONTENT_LENGTH_LENGTH = "content-length".length;
const CONNECTION_LENGTH = "connection".length;
const PROXY_CONNECTION_LENGTH = "proxy-connection".length;
const TRANSFER_ENCODING_LENGTH = "transfer-encoding".length;

/** Most heads say nothing but a length. */
const LENGTHS_KEPT = 4096;
const withLength: (HeadFraming | undefined)[] = new Array(LENGTHS_KEPT).fill(undefined);
const WITHOUT_LENGTH: HeadFraming = { contentLength: NO_LENGTH, dates: 0, ofConnection: false };

/** @param fields a flat list: name, value, name, value … */
export function framingOf(fields: readonly string[]): HeadFraming {
  let contentLength = NO_LENGTH;
  let dates = 0;
  let ofConnection = false;
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i]!;
    const { length } = name;
    if (length === CONTENT_LENGTH_LENGTH) {
      if (name !== "Content-Length" && name.toLowerCase() !== "content-length") continue;
      const value = fields[i + 1]!;
      contentLength = contentLength === NO_LENGTH && LENGTH.test(value) ? Number(value) : UNCLEAR_LENGTH;
    } else if (length === DATE_LENGTH) {
      if (name.toLowerCase() === "date") dates++;
    } else if (
      length === CONNECTION_LENGTH ||
      length === PROXY_CONNECTION_LENGTH ||
      length === TRANSFER_ENCODING_LENGTH
    ) {
      ofConnection ||= OF_CONNECTION.has(name.toLowerCase());
    }
  }
  if (dates > 0 || ofConnection || contentLength === UNCLEAR_LENGTH) {
    return { contentLength, dates, ofConnection };
  }
  if (contentLength === NO_LENGTH) return WITHOUT_LENGTH;
  if (contentLength >= LENGTHS_KEPT) return { contentLength, dates, ofConnection };
  return (withLength[contentLength] ??= { contentLength, dates, ofConnection });
}
