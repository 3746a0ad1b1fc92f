import { plainByte } from "./path-alphabet.js";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** From here on the native decoder is faster than characters in groups of eight (measured: 16 to 24 bytes). */
const NATIVE_BYTES_MIN = 20;

/** `bytes[start, end)`, which are ASCII, as a string. */
export function asciiText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start >= NATIVE_BYTES_MIN) {
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
  }
  let text = "";
  let i = start;
  for (; i + 8 <= end; i += 8) text += eight(bytes, i);
  return end - i === 0 ? text : text + upToSeven(bytes, i, end - i);
}

/** `bytes[start, end)` of a decoded path as a string: protected bytes become their characters. */
export function decodedText(bytes: Uint8Array, start: number, end: number): string {
  const plain = bytes.slice(start, end);
  for (let i = 0; i < plain.length; i++) plain[i] = plainByte(plain[i]!);
  return decoder.decode(plain);
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
