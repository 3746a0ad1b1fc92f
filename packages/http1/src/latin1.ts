/** Bytes ↔ text one to one (ISO-8859-1), without the look-up of an encoding's name in every call. */
export interface Latin1View {
  latin1Slice(start: number, end: number): string;
  latin1Write(text: string, offset: number): number;
}

/** A view of the same memory; nothing is copied. */
export function latin1View(bytes: Uint8Array): Latin1View {
  // Both methods are Node's own since version 0.x and what `toString("latin1")` calls; the type declarations lack them.
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) as unknown as Latin1View;
}
