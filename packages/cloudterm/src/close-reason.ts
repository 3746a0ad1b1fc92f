/** Bytes that the reason of a Close may have (RFC 6455 §5.5). */
const REASON_BYTES_MAX = 123;

/** A text as the reason of a Close: what is too long is cut between two characters. */
export function closeReason(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= REASON_BYTES_MAX) return text;
  let end = REASON_BYTES_MAX;
  // 10xxxxxx goes on with the character in front of it (RFC 3629).
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end);
}
