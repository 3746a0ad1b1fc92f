/** An upgrade request, without extensions. */
export const HANDSHAKE = [
  "GET / HTTP/1.1",
  "Host: 127.0.0.1",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "",
  "",
].join("\r\n");

const BINARY = 0x82;
const MASKED = 0x80;
const KEY = [0x37, 0xfa, 0x21, 0x3d] as const;

function headOf(length: number, flag: number): Buffer {
  if (length < 126) return Buffer.from([BINARY, flag | length]);
  return Buffer.from([BINARY, flag | 126, length >> 8, length & 255]);
}

/** A masked binary message below 64 KiB, as a client sends it. RFC 6455 §5.2 */
export function frameOf(payload: Uint8Array): Buffer {
  const masked = payload.map((byte, i) => byte ^ KEY[i & 3]!);
  return Buffer.concat([headOf(payload.length, MASKED), Buffer.from(KEY), masked]);
}

/** The same message as a server sends it. */
export function echoOf(payload: Uint8Array): Buffer {
  return Buffer.concat([headOf(payload.length, 0), payload]);
}

const STREAM_PAYLOAD_BYTES = 64 * 1024 - 4;

/** What an upstream sends over and over: a binary frame of 64 KiB with its head. RFC 6455 §5.2 */
export const streamFrame: Uint8Array = Buffer.concat([
  headOf(STREAM_PAYLOAD_BYTES, 0),
  Buffer.alloc(STREAM_PAYLOAD_BYTES, "sixteen letters "),
]);
