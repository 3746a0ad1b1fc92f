import { CLOSE, isSendableCloseCode } from "./close-codes.js";
import { shown, WsError } from "./errors.js";
import { CONTROL_PAYLOAD_BYTES_MAX } from "./opcode.js";
import { isUtf8Text } from "./utf8.js";

/** What a peer's Close frame says; `code` is 1005 when it carries none. */
export interface PeerClose {
  readonly code: number;
  readonly reason: string;
}

/**
 * The payload of a Close frame (RFC 6455 §5.5.1).
 *
 * @param code `undefined` for a Close without a code
 * @throws WsError `TZ_WS_ARGUMENT` for a code that must not be sent or a reason above 123 bytes of UTF-8
 */
export function closePayload(code: number | undefined, reason = ""): Buffer {
  if (code === undefined) return Buffer.alloc(0);
  if (!isSendableCloseCode(code))
    throw new WsError("TZ_WS_ARGUMENT", `close code ${shown(code)} must not be sent`);
  const reasonBytes = Buffer.from(reason, "utf8");
  const reasonBytesMax = CONTROL_PAYLOAD_BYTES_MAX - 2;
  if (reasonBytes.length > reasonBytesMax) {
    throw new WsError(
      "TZ_WS_ARGUMENT",
      `a close reason of ${reasonBytes.length} bytes, ${reasonBytesMax} fit`,
    );
  }
  const payload = Buffer.allocUnsafe(2 + reasonBytes.length);
  payload.writeUInt16BE(code, 0);
  reasonBytes.copy(payload, 2);
  return payload;
}

/** Reads a Close frame's payload, of none or at least two bytes. @returns the error when it is not one */
export function readClose(bytes: Uint8Array, start: number, end: number): PeerClose | WsError {
  if (start === end) return { code: CLOSE.noStatus, reason: "" };
  const code = (bytes[start]! << 8) | bytes[start + 1]!;
  if (!isSendableCloseCode(code)) return new WsError("TZ_WS_CLOSE_CODE", `close code ${code}`);
  if (!isUtf8Text(bytes, start + 2, end)) return new WsError("TZ_WS_CLOSE_REASON");
  return { code, reason: Buffer.from(bytes.subarray(start + 2, end)).toString("utf8") };
}
