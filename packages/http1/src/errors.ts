/**
 * Every way in which a message is refused: one row each. The row's position in {@link PARSE_ERRORS} is its
 * id, which parsers return negated, so that refusing a request allocates nothing.
 */

/** The status that a server answers with. 502 is for a reply that a proxy received and cannot pass on. */
export type ParseErrorStatus = 400 | 413 | 414 | 417 | 431 | 501 | 505 | 502;

export interface ParseError {
  /** Stable within a major version only; match on `code`. */
  readonly id: number;
  /** Stable name, `TZ_HTTP1_…`. */
  readonly code: string;
  /** What a server answers. For a reply (see `ReplyHead`) a gateway answers 502 whatever is written here. */
  readonly status: ParseErrorStatus;
  /** The rule that decides, e.g. `"RFC 9112 §5.1"`. */
  readonly section: string;
  /** One sentence for the log and, when wanted, for the body of the answer. It never repeats the client's bytes. */
  readonly message: string;
}

type Row = readonly [name: string, status: ParseErrorStatus, section: string, message: string];

const rows = {
  // Request line
  emptyLines: [
    "EMPTY_LINES",
    400,
    "RFC 9112 §2.2",
    "More empty lines before the request line than are ignored",
  ],
  badMethod: ["BAD_METHOD", 400, "RFC 9112 §3.1", "The method is not a token followed by one space"],
  methodCase: [
    "METHOD_CASE",
    501,
    "RFC 9110 §9.1",
    "Methods are case-sensitive: this one is known only in upper case",
  ],
  badTarget: [
    "BAD_TARGET",
    400,
    "RFC 9112 §3.2",
    "The request target is empty or holds a character that must be percent-encoded",
  ],
  targetForm: [
    "TARGET_FORM",
    400,
    "RFC 9112 §3.2",
    "This form of request target is not allowed with this method",
  ],
  targetScheme: [
    "TARGET_SCHEME",
    400,
    "RFC 9112 §3.2.2",
    "The absolute form names another scheme than http or https",
  ],
  targetAuthority: [
    "TARGET_AUTHORITY",
    400,
    "RFC 9110 §4.2.4",
    "The request target's authority is empty, invalid, or carries user information",
  ],
  missingVersion: ["MISSING_VERSION", 400, "RFC 9112 §3", "The request line has no HTTP version"],
  badVersion: [
    "BAD_VERSION",
    400,
    "RFC 9112 §2.3",
    "The HTTP version is not HTTP/DIGIT.DIGIT at the end of its line",
  ],
  unsupportedVersion: [
    "UNSUPPORTED_VERSION",
    505,
    "RFC 9110 §15.6.6",
    "Only HTTP/1.0 and HTTP/1.1 are spoken here",
  ],
  requestLineTooLong: [
    "REQUEST_LINE_TOO_LONG",
    414,
    "RFC 9112 §3",
    "The request line is longer than maxRequestLineBytes",
  ],
  // Lines and fields
  bareCr: ["BARE_CR", 400, "RFC 9112 §2.2", "A CR is not followed by LF"],
  bareLf: ["BARE_LF", 400, "RFC 9112 §2.2", "A line ends with LF alone"],
  spaceBeforeField: [
    "SPACE_BEFORE_FIELD",
    400,
    "RFC 9112 §2.2",
    "White space between the start line and the first field",
  ],
  obsFold: ["OBS_FOLD", 400, "RFC 9112 §5.2", "A field value is folded over several lines"],
  badFieldName: ["BAD_FIELD_NAME", 400, "RFC 9110 §5.1", "A field name is empty or not a token"],
  spaceBeforeColon: [
    "SPACE_BEFORE_COLON",
    400,
    "RFC 9112 §5.1",
    "White space between a field name and its colon",
  ],
  missingColon: ["MISSING_COLON", 400, "RFC 9112 §5", "A field line has no colon"],
  badFieldValue: ["BAD_FIELD_VALUE", 400, "RFC 9110 §5.5", "A field value holds a control character"],
  headTooLarge: ["HEAD_TOO_LARGE", 431, "RFC 6585 §5", "The head is longer than maxHeadBytes"],
  tooManyFields: ["TOO_MANY_FIELDS", 431, "RFC 6585 §5", "The head has more fields than maxFields"],
  // Host
  missingHost: ["MISSING_HOST", 400, "RFC 9112 §3.2", "An HTTP/1.1 request without Host"],
  duplicateHost: ["DUPLICATE_HOST", 400, "RFC 9112 §3.2", "More than one Host field line"],
  badHost: ["BAD_HOST", 400, "RFC 9112 §3.2", 'Host is not uri-host [ ":" port ]'],
  // Framing
  badContentLength: ["BAD_CONTENT_LENGTH", 400, "RFC 9112 §6.3", "Content-Length is not a decimal number"],
  duplicateContentLength: ["DUPLICATE_CONTENT_LENGTH", 400, "RFC 9112 §6.3", "More than one Content-Length"],
  contentLengthTooLarge: [
    "CONTENT_LENGTH_TOO_LARGE",
    413,
    "RFC 9110 §8.6",
    "Content-Length is beyond 2^53 - 1",
  ],
  transferEncodingWithLength: [
    "TRANSFER_ENCODING_WITH_LENGTH",
    400,
    "RFC 9112 §6.1",
    "Both Transfer-Encoding and Content-Length",
  ],
  transferEncodingVersion: [
    "TRANSFER_ENCODING_VERSION",
    400,
    "RFC 9112 §6.1",
    "Transfer-Encoding in an HTTP/1.0 message",
  ],
  badTransferEncoding: [
    "BAD_TRANSFER_ENCODING",
    400,
    "RFC 9112 §6.1",
    "Transfer-Encoding is malformed, or names chunked twice or with parameters",
  ],
  chunkedNotFinal: [
    "CHUNKED_NOT_FINAL",
    400,
    "RFC 9112 §6.3",
    "The final transfer coding is not chunked, so the length is unknown",
  ],
  unknownTransferCoding: [
    "UNKNOWN_TRANSFER_CODING",
    501,
    "RFC 9112 §6.1",
    "A transfer coding other than chunked",
  ],
  unknownExpectation: [
    "UNKNOWN_EXPECTATION",
    417,
    "RFC 9110 §10.1.1",
    "An expectation other than 100-continue",
  ],
  // Chunked
  badChunkSize: ["BAD_CHUNK_SIZE", 400, "RFC 9112 §7.1", "A chunk size is not 1*HEXDIG"],
  chunkSizeTooLarge: ["CHUNK_SIZE_TOO_LARGE", 413, "RFC 9112 §7.1", "A chunk size is beyond 2^53 - 1"],
  badChunkExtension: ["BAD_CHUNK_EXTENSION", 400, "RFC 9112 §7.1.1", "A chunk extension is malformed"],
  chunkExtensionTooLarge: [
    "CHUNK_EXTENSION_TOO_LARGE",
    413,
    "RFC 9112 §7.1.1",
    "Chunk extensions are longer than maxChunkExtensionBytes",
  ],
  badChunkEnd: ["BAD_CHUNK_END", 400, "RFC 9112 §7.1", "Chunk data is not followed by CRLF"],
  trailersTooLarge: [
    "TRAILERS_TOO_LARGE",
    431,
    "RFC 6585 §5",
    "The trailer section is longer than maxTrailerBytes",
  ],
  tooManyTrailers: [
    "TOO_MANY_TRAILERS",
    431,
    "RFC 6585 §5",
    "The trailer section has more fields than maxTrailerFields",
  ],
  bodyTooLarge: ["BODY_TOO_LARGE", 413, "RFC 9110 §15.5.14", "The content is longer than maxBodyBytes"],
  // Replies
  badStatusLine: [
    "BAD_STATUS_LINE",
    502,
    "RFC 9112 §4",
    "The status line is not HTTP-version SP 3DIGIT SP [ reason ]",
  ],
  badStatus: ["BAD_STATUS", 502, "RFC 9110 §15", "The status code is below 100 or above 599"],
  statusLineTooLong: [
    "STATUS_LINE_TOO_LONG",
    502,
    "RFC 9112 §4",
    "The status line is longer than maxRequestLineBytes",
  ],
} as const satisfies Record<string, Row>;

export type ParseErrorName = keyof typeof rows;

/** All rows, in id order; `PARSE_ERRORS[id - 1]`. */
export const PARSE_ERRORS: readonly ParseError[] = Object.values(rows).map(
  ([name, status, section, message], index) =>
    Object.freeze({ id: index + 1, code: `TZ_HTTP1_${name}`, status, section, message }),
);

/** Name of a row → its id. Parsers return `-ERROR.name`. */
export const ERROR: { readonly [Name in ParseErrorName]: number } = Object.fromEntries(
  Object.keys(rows).map((name, index) => [name, index + 1]),
) as { [Name in ParseErrorName]: number };

/**
 * The row of an error id.
 * @param id what a parser returned, negative or positive
 */
export function parseErrorOf(id: number): ParseError {
  const row = PARSE_ERRORS[Math.abs(id) - 1];
  if (row === undefined) throw new RangeError(`No parse error has the id ${id}`);
  return row;
}

/** What this package throws: `code` is stable, `message` is for people. */
export class Http1Error extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = "Http1Error";
    this.code = code;
  }
}

/** A head, trailer or date that cannot be written without breaking the message (CR, LF, NUL, bad name or status). */
export class HeadWriteError extends Http1Error {
  constructor(
    code: "TZ_HTTP1_WRITE_STATUS" | "TZ_HTTP1_WRITE_NAME" | "TZ_HTTP1_WRITE_VALUE",
    message: string,
  ) {
    super(code, message);
    this.name = "HeadWriteError";
  }
}

/** An option that is unknown or out of its bounds; names option, value and bounds. */
export class Http1OptionError extends Http1Error {
  readonly option: string;
  constructor(option: string, message: string) {
    super("TZ_HTTP1_OPTION", message);
    this.name = "Http1OptionError";
    this.option = option;
  }
}
