import { PERCENT, QUESTION, SLASH } from "../path-alphabet.js";
import { NEEDS_DECODING, RAW_BYTE_MAX } from "../walk.js";

// Syntax (`/`, `?`, `%`) lies below 0x40 and most of a path above: for a letter the first comparison decides.
const SYNTAX_MAX = 0x3f;

/** Where the segment that begins at `at` ends; negative when something has to be decoded first. */
export function scanSegment(bytes: Uint8Array, at: number, end: number, byteMax: number): number {
  for (let i = at; i < end; i++) {
    const byte = bytes[i]!;
    if (byte > SYNTAX_MAX) {
      if (byte > byteMax) return NEEDS_DECODING;
      continue;
    }
    if (byte === SLASH || byte === QUESTION) return i;
    if (byte === PERCENT) return NEEDS_DECODING;
  }
  return end;
}

/** Where the path ends; negative when something has to be decoded first. */
export function scanRest(bytes: Uint8Array, at: number, end: number, byteMax: number): number {
  for (let i = at; i < end; i++) {
    const byte = bytes[i]!;
    if (byte > SYNTAX_MAX) {
      if (byte > byteMax) return NEEDS_DECODING;
      continue;
    }
    if (byte === QUESTION) return i;
    if (byte === PERCENT) return NEEDS_DECODING;
  }
  return end;
}

/** {@link scanSegment} of a raw string. */
export function scanSegmentText(text: string, at: number, end: number): number {
  for (let i = at; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code > SYNTAX_MAX) {
      if (code > RAW_BYTE_MAX) return NEEDS_DECODING;
      continue;
    }
    if (code === SLASH || code === QUESTION) return i;
    if (code === PERCENT) return NEEDS_DECODING;
  }
  return end;
}

/** {@link scanRest} of a raw string. */
export function scanRestText(text: string, at: number, end: number): number {
  for (let i = at; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code > SYNTAX_MAX) {
      if (code > RAW_BYTE_MAX) return NEEDS_DECODING;
      continue;
    }
    if (code === QUESTION) return i;
    if (code === PERCENT) return NEEDS_DECODING;
  }
  return end;
}
