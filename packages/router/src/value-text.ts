import { ENCODED_QUESTION, plainByte } from "./path-alphabet.js";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** From here on the native way is faster than characters in groups of eight. */
const NATIVE_BYTES_MIN = 16;

/**
 * What `buffer.toString("latin1", start, end)` calls. It takes any byte array, and without a Buffer to be made
 * for each value it is between twice and three times as fast.
 */
const latin1Slice = (
  Buffer.prototype as unknown as { latin1Slice(this: Uint8Array, start: number, end: number): string }
).latin1Slice;

/** `bytes[start, end)`, which are ASCII, as a string. */
export function asciiText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start >= NATIVE_BYTES_MIN) return latin1Slice.call(bytes, start, end);
  let text = "";
  let i = start;
  for (; i + 8 <= end; i += 8) text += eight(bytes, i);
  return end - i === 0 ? text : text + upToSeven(bytes, i, end - i);
}

/** Where a short value gets its plain bytes; it is full and read within one call. */
const plainText = new Uint8Array(64);

/** `bytes[start, end)` of a decoded path as a string: protected bytes become their characters. */
export function decodedText(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start;
  const plain = length <= plainText.length ? plainText : new Uint8Array(length);
  let allBits = 0;
  for (let i = 0; i < length; i++) {
    const byte = bytes[start + i]!;
    const own = byte < ENCODED_QUESTION ? byte : plainByte(byte);
    plain[i] = own;
    allBits |= own;
  }
  return allBits < 0x80 ? asciiText(plain, 0, length) : decoder.decode(plain.subarray(0, length));
}

function eight(b: Uint8Array, i: number): string {
  return String.fromCharCode(
    b[i]!,
    b[i + 1]!,
    b[i + 2]!,
    b[i + 3]!,
    b[i + 4]!,
    b[i + 5]!,
    b[i + 6]!,
    b[i + 7]!,
  );
}

/** One call for each length: a string that grows character by character costs an allocation for each. */
function upToSeven(b: Uint8Array, i: number, length: number): string {
  switch (length) {
    case 1:
      return String.fromCharCode(b[i]!);
    case 2:
      return String.fromCharCode(b[i]!, b[i + 1]!);
    case 3:
      return String.fromCharCode(b[i]!, b[i + 1]!, b[i + 2]!);
    case 4:
      return String.fromCharCode(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!);
    case 5:
      return String.fromCharCode(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!);
    case 6:
      return String.fromCharCode(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!, b[i + 5]!);
    default:
      return String.fromCharCode(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!, b[i + 5]!, b[i + 6]!);
  }
}
