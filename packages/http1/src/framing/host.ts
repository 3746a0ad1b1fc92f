import { BYTE_CLASS, COLON, DIGIT, HEX, REG_NAME } from "../tables/bytes.js";

const OPEN = 0x5b;
const CLOSE = 0x5d;
const PERCENT = 0x25;
const DOT = 0x2e;
const PORT_MAX = 65_535;

/**
 * `uri-host [ ":" port ]` (RFC 9110 §7.2, RFC 3986 §3.2.2) in `bytes[start, end)`, not empty.
 * User information is not part of it. A port beyond 65535 and a port without a host are refused.
 */
export function isAuthority(bytes: Uint8Array, start: number, end: number): boolean {
  let i = start;
  if (bytes[i] === OPEN) {
    while (i < end && bytes[i] !== CLOSE) i++;
    if (i === end || !isIpLiteral(bytes, start + 1, i)) return false;
    i++;
  } else {
    for (; i < end && (BYTE_CLASS[bytes[i]!]! & REG_NAME) !== 0; i++) {
      if (bytes[i] !== PERCENT) continue;
      if (i + 2 >= end || !isHex(bytes[i + 1]!) || !isHex(bytes[i + 2]!)) return false;
    }
    if (i === start) return false;
  }
  return i === end || (bytes[i] === COLON && isPort(bytes, i + 1, end));
}

function isHex(byte: number): boolean {
  return (BYTE_CLASS[byte]! & HEX) !== 0;
}

/** `*DIGIT`, up to 65535; empty means the scheme's default. */
export function isPort(bytes: Uint8Array, start: number, end: number): boolean {
  let port = 0;
  for (let i = start; i < end; i++) {
    if ((BYTE_CLASS[bytes[i]!]! & DIGIT) === 0) return false;
    port = port * 10 + bytes[i]! - 0x30;
    if (port > PORT_MAX) return false;
  }
  return true;
}

/** `IPv6address / IPvFuture`, without the brackets. */
function isIpLiteral(bytes: Uint8Array, start: number, end: number): boolean {
  return (bytes[start]! | 0x20) === 0x76 ? isFutureAddress(bytes, start + 1, end) : isIpv6(bytes, start, end);
}

/** `"v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" )`, from behind the `v`. */
function isFutureAddress(bytes: Uint8Array, start: number, end: number): boolean {
  let i = start;
  while (i < end && isHex(bytes[i]!)) i++;
  if (i === start || bytes[i] !== DOT || i + 1 >= end) return false;
  for (i++; i < end; i++) {
    const byte = bytes[i]!;
    if (byte === PERCENT || ((BYTE_CLASS[byte]! & REG_NAME) === 0 && byte !== COLON)) return false;
  }
  return true;
}

/** Eight groups, one `::` for any number of zero groups, the last two groups perhaps as an IPv4 address. */
function isIpv6(bytes: Uint8Array, start: number, end: number): boolean {
  let groups = 0;
  let compressed = false;
  let i = start;
  if (bytes[i] === COLON) {
    if (i + 1 >= end || bytes[i + 1] !== COLON) return false;
    compressed = true;
    i += 2;
  }
  while (i < end) {
    const group = i;
    while (i < end && isHex(bytes[i]!)) i++;
    if (i < end && bytes[i] === DOT) {
      if (!isIpv4(bytes, group, end)) return false;
      groups += 2;
      i = end;
      break;
    }
    if (i === group || i - group > 4) return false;
    groups++;
    if (i === end) break;
    if (bytes[i] !== COLON) return false;
    i++;
    if (i === end) return false;
    if (bytes[i] === COLON) {
      if (compressed) return false;
      compressed = true;
      i++;
    }
  }
  return compressed ? groups <= 7 : groups === 8;
}

/** Four decimal octets without leading zeros. */
function isIpv4(bytes: Uint8Array, start: number, end: number): boolean {
  let octets = 0;
  let i = start;
  while (i < end) {
    const octet = i;
    let value = 0;
    while (i < end && (BYTE_CLASS[bytes[i]!]! & DIGIT) !== 0) value = value * 10 + bytes[i++]! - 0x30;
    const digits = i - octet;
    if (digits === 0 || digits > 3 || value > 255 || (digits > 1 && bytes[octet] === 0x30)) return false;
    octets++;
    if (i === end) break;
    if (bytes[i] !== DOT || octets === 4) return false;
    i++;
    if (i === end) return false;
  }
  return octets === 4;
}
