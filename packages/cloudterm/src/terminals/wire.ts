/**
 * Messages of a terminal's WebSocket: ttyd's, and a few more under a subprotocol of our own. The first byte is the type,
 * the same numbers mean different things in the two directions. docs/reference/cloudterm-protocol.md has them all.
 */
import { sizeOf, type TerminalSize } from "./terminal-size.js";

/** ttyd's subprotocol. */
export const TTYD_PROTOCOL = "tty";
/** Ours: ttyd's messages, and {@link SERVER.state}, {@link SERVER.end}, {@link CLIENT.acknowledge}, resume. */
export const TERMINAL_PROTOCOL = "tz-terminal.1";

/** Types of messages from a client. */
export const CLIENT = {
  input: 0x30,
  resize: 0x31,
  pause: 0x32,
  resume: 0x33,
  acknowledge: 0x34,
  /** `{`: the first message is JSON as a whole. */
  hello: 0x7b,
} as const;

/** Types of messages from a server. */
export const SERVER = { output: 0x30, title: 0x31, preferences: 0x32, state: 0x33, end: 0x34 } as const;

/** Close codes of this protocol, beside those of viewers that are dismissed. */
export const CLOSED = {
  /** The program exited with 0. */
  normal: 1000,
  /** The program ended otherwise; the reason says how. */
  failed: 4000,
} as const;

/**
 * ttyd's own codes for the same. Its page connects again at once after anything but {@link normal}, which opens a new
 * terminal; a handshake that is refused stops it.
 */
export const TTYD_CLOSED = {
  /** The program exited with 0; or what would fail again at once: the page waits for the Enter key. */
  normal: 1000,
  /** The login or the link is over: the page asks for a token once more and is refused. */
  denied: 1008,
  /** The program ended otherwise. */
  failed: 1011,
} as const;

/** JSON of a client is short; what is longer is no size and no hello. */
const JSON_BYTES_MAX = 4096;

export interface Hello {
  readonly token: string;
  readonly size: TerminalSize | undefined;
  readonly resumeFrom: number | undefined;
  readonly acknowledges: boolean;
}

/** Reads the first message; `undefined` when it is none. Sizes that are none are left out. */
export function readHello(bytes: Uint8Array, start: number, end: number): Hello | undefined {
  const value = readObject(bytes, start, end);
  if (value === undefined) return undefined;
  const { AuthToken: token = "", columns, rows, resumeFrom, acks } = value;
  if (typeof token !== "string") return undefined;
  return {
    token,
    size: sizeOf(columns, rows),
    resumeFrom:
      Number.isSafeInteger(resumeFrom) && (resumeFrom as number) >= 0 ? (resumeFrom as number) : undefined,
    acknowledges: acks === true,
  };
}

/** The size of a resize message's JSON; `undefined` when it is none. */
export function readResize(bytes: Uint8Array, start: number, end: number): TerminalSize | undefined {
  const value = readObject(bytes, start, end);
  return value && sizeOf(value.columns, value.rows);
}

/** The decimal number of an acknowledgement; NaN when it is none. */
export function readSequence(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < 1 || end - start > 16) return Number.NaN;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** A message of a type and a text. */
export function textMessage(type: number, text: string): Buffer {
  const message = Buffer.allocUnsafe(1 + Buffer.byteLength(text));
  message[0] = type;
  message.write(text, 1);
  return message;
}

function readObject(bytes: Uint8Array, start: number, end: number): Record<string, unknown> | undefined {
  if (end - start > JSON_BYTES_MAX) return undefined;
  try {
    const value: unknown = JSON.parse(
      Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString(),
    );
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
