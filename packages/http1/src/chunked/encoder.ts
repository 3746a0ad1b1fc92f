import { HeadWriteError } from "../errors.js";
import { fieldLines } from "../serialize/field-check.js";
import { FORBIDDEN_TRAILERS } from "./trailers.js";

/** Bytes that {@link writeChunkHead} needs at most: 14 digits of 2^53 - 1 and CRLF. */
export const CHUNK_HEAD_BYTES_MAX = 16;
const CR = 0x0d;
const LF = 0x0a;

/** What follows the data of each chunk. */
export const CHUNK_END: Uint8Array = Uint8Array.of(CR, LF);

/** `0 CRLF CRLF`: the last chunk without trailers. */
export const LAST_CHUNK: Uint8Array = Buffer.from("0\r\n\r\n", "latin1");

/**
 * Writes a chunk's size line, `1*HEXDIG CRLF` (RFC 9112 §7.1), to `target[offset …)`.
 * @param size bytes of the chunk, from 1: a chunk of 0 would end the body
 * @returns the position behind it
 */
export function writeChunkHead(target: Uint8Array, offset: number, size: number): number {
  if (!Number.isSafeInteger(size) || size < 1)
    throw new RangeError(`A chunk of ${size} bytes cannot be framed`);
  let digits = 1;
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 16)) digits++;
  let rest = size;
  for (let i = offset + digits - 1; i >= offset; i--) {
    const digit = rest % 16;
    target[i] = digit < 10 ? 0x30 + digit : 0x57 + digit;
    rest = (rest - digit) / 16;
  }
  target[offset + digits] = CR;
  target[offset + digits + 1] = LF;
  return offset + digits + 2;
}

/** A chunk's size line as text: `1000 CRLF` for 4,096 bytes. */
export function chunkHead(size: number): string {
  if (!Number.isSafeInteger(size) || size < 1)
    throw new RangeError(`A chunk of ${size} bytes cannot be framed`);
  return `${size.toString(16)}\r\n`;
}

/**
 * The last chunk with its trailer section.
 * @param trailers flat list: name, value, name, value …
 * @throws {HeadWriteError} for what {@link ResponseHead} refuses, and for fields that must not be trailers
 *   (RFC 9110 §6.5.1)
 */
export function encodeLastChunk(trailers: readonly string[] = []): Uint8Array {
  if (trailers.length === 0) return LAST_CHUNK;
  for (let i = 0; i < trailers.length; i += 2) {
    if (FORBIDDEN_TRAILERS.has(trailers[i]!.toLowerCase())) {
      throw new HeadWriteError(
        "TZ_HTTP1_WRITE_NAME",
        `${trailers[i]} must not be a trailer (RFC 9110 §6.5.1)`,
      );
    }
  }
  return Buffer.from(`0\r\n${fieldLines(trailers)}\r\n`, "latin1");
}
