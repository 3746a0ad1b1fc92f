import { LENGTH_16, LENGTH_64, MASKED } from "./opcode.js";

/** Bytes of a frame's head: 2 to 14 (RFC 6455 §5.2). */
export function headLength(payloadLength: number, masked: boolean): number {
  const key = masked ? 4 : 0;
  if (payloadLength < LENGTH_16) return 2 + key;
  return payloadLength < 0x10000 ? 4 + key : 10 + key;
}

/**
 * Writes the head of a frame, with the length in its shortest form.
 *
 * @param first FIN, RSV bits and opcode
 * @param key the masking key as a little-endian word, `undefined` for a frame that is not masked
 * @returns where the payload begins
 */
export function writeHead(
  bytes: Uint8Array,
  at: number,
  first: number,
  payloadLength: number,
  key: number | undefined,
): number {
  bytes[at] = first;
  const maskBit = key === undefined ? 0 : MASKED;
  let next = at + 2;
  if (payloadLength < LENGTH_16) {
    bytes[at + 1] = maskBit | payloadLength;
  } else if (payloadLength < 0x10000) {
    bytes[at + 1] = maskBit | LENGTH_16;
    bytes[at + 2] = payloadLength >>> 8;
    bytes[at + 3] = payloadLength & 0xff;
    next = at + 4;
  } else {
    bytes[at + 1] = maskBit | LENGTH_64;
    writeWord(bytes, at + 2, Math.floor(payloadLength / 2 ** 32));
    writeWord(bytes, at + 6, payloadLength % 2 ** 32);
    next = at + 10;
  }
  if (key === undefined) return next;
  bytes[next] = key & 0xff;
  bytes[next + 1] = (key >>> 8) & 0xff;
  bytes[next + 2] = (key >>> 16) & 0xff;
  bytes[next + 3] = key >>> 24;
  return next + 4;
}

function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = (word >>> 16) & 0xff;
  bytes[at + 2] = (word >>> 8) & 0xff;
  bytes[at + 3] = word & 0xff;
}
