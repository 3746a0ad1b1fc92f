import { isIP } from "node:net";

/** What a PROXY header says. `undefined` addresses: the proxy speaks for itself (LOCAL, UNKNOWN, Unix sockets). */
export interface ProxyHeader {
  /** Length of the header: what follows is the client's. */
  readonly byteLength: number;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number;
}

const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const V1_PREFIX = Buffer.from("PROXY ", "latin1");
const V1_MAX_BYTES = 107;
const V2_FIXED_BYTES = 16;
/** Addresses and extensions; senders stay far below. */
const V2_MAX_BYTES = 4096;

/**
 * Reads the header of the PROXY protocol, version 1 or 2 (haproxy.org, "The PROXY protocol", 2020/03/05).
 * @returns the header; 0 when more bytes are needed; -1 when this is none
 */
export function parseProxyHeader(bytes: Uint8Array): ProxyHeader | 0 | -1 {
  if (startsLike(bytes, SIGNATURE)) return parseV2(bytes);
  if (startsLike(bytes, V1_PREFIX)) return parseV1(bytes);
  return -1;
}

/** Whether the bytes begin with the prefix, as far as they go. */
function startsLike(bytes: Uint8Array, prefix: Uint8Array): boolean {
  const length = Math.min(bytes.byteLength, prefix.byteLength);
  for (let i = 0; i < length; i++) if (bytes[i] !== prefix[i]) return false;
  return true;
}

function parseV1(bytes: Uint8Array): ProxyHeader | 0 | -1 {
  const text = Buffer.from(bytes.subarray(0, V1_MAX_BYTES)).toString("latin1");
  const end = text.indexOf("\r\n");
  if (end < 0) return bytes.byteLength >= V1_MAX_BYTES ? -1 : 0;
  const [, protocol, source = "", destination = "", sourcePort = "", destinationPort = "", ...more] = text
    .slice(0, end)
    .split(" ");
  const byteLength = end + 2;
  if (protocol === "UNKNOWN") return { byteLength, remoteAddress: undefined, remotePort: 0 };
  const version = protocol === "TCP4" ? 4 : protocol === "TCP6" ? 6 : 0;
  if (version === 0 || more.length > 0 || isIP(source) !== version || isIP(destination) !== version)
    return -1;
  if (!isPort(sourcePort) || !isPort(destinationPort)) return -1;
  return { byteLength, remoteAddress: source, remotePort: Number(sourcePort) };
}

function isPort(text: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

function parseV2(bytes: Uint8Array): ProxyHeader | 0 | -1 {
  if (bytes.byteLength < V2_FIXED_BYTES) return 0;
  const versionCommand = bytes[12]!;
  const length = bytes[14]! * 256 + bytes[15]!;
  const byteLength = V2_FIXED_BYTES + length;
  const command = versionCommand & 0x0f;
  if (versionCommand >> 4 !== 2 || command > 1 || byteLength > V2_MAX_BYTES) return -1;
  if (bytes.byteLength < byteLength) return 0;
  const local = { byteLength, remoteAddress: undefined, remotePort: 0 };
  if (command === 0) return local;
  const family = bytes[13]! >> 4;
  const at = V2_FIXED_BYTES;
  if (family === 1) {
    if (length < 12) return -1;
    const remoteAddress = bytes.subarray(at, at + 4).join(".");
    return { byteLength, remoteAddress, remotePort: bytes[at + 8]! * 256 + bytes[at + 9]! };
  }
  if (family === 2) {
    if (length < 36) return -1;
    const groups = Array.from({ length: 8 }, (_, i) =>
      (bytes[at + 2 * i]! * 256 + bytes[at + 2 * i + 1]!).toString(16),
    );
    return {
      byteLength,
      remoteAddress: groups.join(":"),
      remotePort: bytes[at + 32]! * 256 + bytes[at + 33]!,
    };
  }
  return family === 0 || family === 3 ? local : -1;
}
