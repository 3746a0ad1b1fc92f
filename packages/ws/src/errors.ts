import { CLOSE } from "./close-codes.js";

interface ErrorRow {
  readonly meaning: string;
  /** The close code that the connection is failed with (RFC 6455 §7.1.7), when there is a connection. */
  readonly closeCode?: number;
  /** The HTTP status that answers a refused handshake. */
  readonly status?: number;
}

/** Every code that this package raises. The README's table is pinned to it by a test. */
export const WS_ERRORS = {
  TZ_WS_OPTION: { meaning: "an option is unknown, of the wrong type or out of its bounds" },
  TZ_WS_ARGUMENT: { meaning: "an argument that the protocol cannot carry" },

  TZ_WS_RSV: {
    closeCode: CLOSE.protocolError,
    meaning: "a reserved bit is set without an extension that defines it (§5.2)",
  },
  TZ_WS_OPCODE: { closeCode: CLOSE.protocolError, meaning: "a reserved opcode (§5.2)" },
  TZ_WS_MASK: {
    closeCode: CLOSE.protocolError,
    meaning: "a client's frame is not masked, or a server's is (§5.1)",
  },
  TZ_WS_LENGTH: {
    closeCode: CLOSE.protocolError,
    meaning: "a payload length that is not in its shortest form, or has its highest bit set (§5.2)",
  },
  TZ_WS_CONTROL_LENGTH: {
    closeCode: CLOSE.protocolError,
    meaning: "a control frame of more than 125 bytes (§5.5)",
  },
  TZ_WS_CONTROL_FRAGMENT: { closeCode: CLOSE.protocolError, meaning: "a fragmented control frame (§5.5)" },
  TZ_WS_CONTINUATION: {
    closeCode: CLOSE.protocolError,
    meaning: "a continuation without a message, or a new message inside another (§5.4)",
  },
  TZ_WS_CLOSE_LENGTH: {
    closeCode: CLOSE.protocolError,
    meaning: "a Close frame with one byte of payload (§5.5.1)",
  },
  TZ_WS_CLOSE_CODE: { closeCode: CLOSE.protocolError, meaning: "a close code that must not be sent (§7.4)" },
  TZ_WS_CLOSE_REASON: {
    closeCode: CLOSE.invalidPayload,
    meaning: "a close reason that is not UTF-8 (§5.5.1)",
  },
  TZ_WS_UTF8: { closeCode: CLOSE.invalidPayload, meaning: "a text message that is not UTF-8 (§8.1)" },
  TZ_WS_INFLATE: {
    closeCode: CLOSE.invalidPayload,
    meaning: "a compressed message that is not DEFLATE data (RFC 7692 §7.2.2)",
  },
  TZ_WS_MESSAGE_SIZE: {
    closeCode: CLOSE.messageTooBig,
    meaning: "a message above `maxMessageBytes`, as sent or inflated",
  },
  TZ_WS_FRAGMENTS: {
    closeCode: CLOSE.policyViolation,
    meaning: "a message of more than `maxFragments` frames",
  },
  TZ_WS_CONTROL_FLOOD: {
    closeCode: CLOSE.policyViolation,
    meaning: "more than `maxControlFramesPerSecond` pings and pongs",
  },
  TZ_WS_IDLE: { closeCode: CLOSE.goingAway, meaning: "nothing was received for `idleTimeoutMs`" },
  TZ_WS_CLOSE_TIMEOUT: { meaning: "the peer did not finish the closing handshake within `closeTimeoutMs`" },
  TZ_WS_BUFFER_FULL: { meaning: "a send found `maxBufferedBytes` already waiting: the peer does not read" },
  TZ_WS_HANDLER: { closeCode: CLOSE.internalError, meaning: "a callback of the application threw" },
  TZ_WS_TRANSPORT: { meaning: "the transport failed" },

  TZ_WS_METHOD: { status: 405, meaning: "the handshake's method is not GET (§4.2.1)" },
  TZ_WS_HTTP_VERSION: { status: 400, meaning: "the handshake is not HTTP/1.1 (§4.2.1)" },
  TZ_WS_UPGRADE: { status: 426, meaning: "no `Upgrade: websocket` (§4.2.1)" },
  TZ_WS_CONNECTION: { status: 400, meaning: "no `Connection: Upgrade` (§4.2.1)" },
  TZ_WS_KEY: { status: 400, meaning: "`Sec-WebSocket-Key` is missing or is not 16 bytes in base64 (§4.2.1)" },
  TZ_WS_VERSION: { status: 426, meaning: "`Sec-WebSocket-Version` is not 13 (§4.4)" },
  TZ_WS_PROTOCOL: {
    status: 400,
    meaning: "`Sec-WebSocket-Protocol` is not a list of different tokens (§4.1)",
  },
  TZ_WS_EXTENSIONS: { status: 400, meaning: "`Sec-WebSocket-Extensions` does not follow its grammar (§9.1)" },
  TZ_WS_ORIGIN: { status: 403, meaning: "the origin is refused by `allowOrigin` (§10.2)" },

  TZ_WS_RESPONSE: { meaning: "the server's answer is not the handshake that was asked for (§4.2.2)" },
  TZ_WS_CONNECT: { meaning: "no connection, or none within `handshakeTimeoutMs`" },
} as const satisfies Record<string, ErrorRow>;

export type WsErrorCode = keyof typeof WS_ERRORS;

/**
 * The one error class of this package. Match on `code`, which is stable. `closeCode` is what the peer is told
 * when the connection fails; `status` is what a refused handshake is answered with.
 */
export class WsError extends Error {
  override readonly name = "WsError";
  readonly code: WsErrorCode;
  readonly closeCode: number | undefined;
  readonly status: number | undefined;

  constructor(code: WsErrorCode, message?: string, options?: ErrorOptions) {
    const row: ErrorRow = WS_ERRORS[code];
    super(message ?? row.meaning, options);
    this.code = code;
    this.closeCode = row.closeCode;
    this.status = row.status;
  }
}

/** How a bad value is shown in a message: strings quoted and cut, objects by their kind. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) {
    return `an object (${value.constructor?.name ?? "null prototype"})`;
  }
  return String(value);
}
