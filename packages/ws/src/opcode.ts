/** Frame opcodes, RFC 6455 §5.2. */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Bits of a frame's first byte. */
export const FIN = 0x80;
export const RSV1 = 0x40;
export const RSV2_AND_3 = 0x30;
export const OPCODE_BITS = 0x0f;
/** Set in the opcode of control frames. */
export const CONTROL_BIT = 0x08;

/** Bit of a frame's second byte. */
export const MASKED = 0x80;
export const LENGTH_BITS = 0x7f;
/** The second byte's length says that 2 or 8 bytes of length follow. */
export const LENGTH_16 = 126;
export const LENGTH_64 = 127;

export const CONTROL_PAYLOAD_BYTES_MAX = 125;
/** 2 + 8 bytes of length + 4 bytes of key. */
export const HEAD_BYTES_MAX = 14;

/** Which end of the connection this is: a client masks what it sends, a server does not (§5.1). */
export type Role = "server" | "client";
