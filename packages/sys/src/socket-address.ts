import { networkInterfaces } from "node:os";
import { AF_INET, AF_INET6, AF_UNIX } from "./constants.js";
import { BadArgumentError } from "./errors.js";
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from "./ip-address.js";

/** Where a socket is bound or connected. Ports are host numbers, hosts are addresses (no names). */
export type SocketAddress =
  | { readonly family: "ipv4"; readonly host: string; readonly port: number }
  | {
      readonly family: "ipv6";
      /** Without brackets; `%eth0` or `%2` after a link-local address names its interface. */
      readonly host: string;
      readonly port: number;
      /** The interface's index for a link-local address; 0 or absent elsewhere. */
      readonly scopeId?: number;
    }
  | {
      readonly family: "unix";
      /** At most 107 bytes; a leading NUL makes an abstract name; `""` is an unnamed socket. */
      readonly path: string;
    };

/** `sizeof(struct sockaddr_storage)`: enough for every family. */
export const SOCKET_ADDRESS_BYTES = 128;
/** `sun_path` with its NUL. */
const UNIX_PATH_BYTES = 108;

/**
 * Writes a `struct sockaddr` at the view's start.
 * @returns its length in bytes
 * @throws BadArgumentError for a host that is not an address, a port out of range, a path too long
 */
export function encodeSocketAddress(address: SocketAddress, view: DataView): number {
  if (address.family === "unix") return encodeUnix(address.path, view);
  if (!Number.isInteger(address.port) || address.port < 0 || address.port > 65535) {
    throw new BadArgumentError("sockaddr", "port", address.port, "an integer from 0 to 65535");
  }
  if (address.family === "ipv4") return encodeIpv4(address.host, address.port, view);
  if (address.family === "ipv6") return encodeIpv6(address.host, address.port, address.scopeId, view);
  throw new BadArgumentError(
    "sockaddr",
    "family",
    (address as { family: unknown }).family,
    "ipv4, ipv6 or unix",
  );
}

function encodeIpv4(host: string, port: number, view: DataView): number {
  const bytes = parseIpv4(host);
  if (bytes === undefined) throw new BadArgumentError("sockaddr", "host", host, "an IPv4 address");
  zero(view, 16);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, port);
  for (let i = 0; i < 4; i++) view.setUint8(4 + i, bytes[i]!);
  return 16;
}

function encodeIpv6(host: string, port: number, scopeId: number | undefined, view: DataView): number {
  const percent = host.indexOf("%");
  const bytes = parseIpv6(percent < 0 ? host : host.slice(0, percent));
  if (bytes === undefined) throw new BadArgumentError("sockaddr", "host", host, "an IPv6 address");
  const scope = scopeId ?? (percent < 0 ? 0 : interfaceIndex(host.slice(percent + 1)));
  if (!Number.isInteger(scope) || scope < 0 || scope > 0xffffffff) {
    throw new BadArgumentError("sockaddr", "scopeId", scope, "an interface index");
  }
  zero(view, 28);
  view.setUint16(0, AF_INET6, true);
  view.setUint16(2, port);
  for (let i = 0; i < 16; i++) view.setUint8(8 + i, bytes[i]!);
  view.setUint32(24, scope, true);
  return 28;
}

function encodeUnix(path: string, view: DataView): number {
  const bytes = Buffer.from(path);
  const abstract = bytes[0] === 0;
  if (bytes.length > (abstract ? UNIX_PATH_BYTES : UNIX_PATH_BYTES - 1)) {
    throw new BadArgumentError("sockaddr", "path", path, `at most ${UNIX_PATH_BYTES - 1} bytes`);
  }
  if (!abstract && bytes.includes(0)) {
    throw new BadArgumentError("sockaddr", "path", path, "without a NUL, except first");
  }
  zero(view, 2 + UNIX_PATH_BYTES);
  view.setUint16(0, AF_UNIX, true);
  for (let i = 0; i < bytes.length; i++) view.setUint8(2 + i, bytes[i]!);
  // An abstract name has no terminator: the length ends it. No name at all asks for one (autobind).
  return 2 + bytes.length + (abstract || bytes.length === 0 ? 0 : 1);
}

/**
 * Reads a `struct sockaddr` of `length` bytes at the view's start.
 * @throws BadArgumentError for another family
 */
export function decodeSocketAddress(view: DataView, length: number): SocketAddress {
  // A peer without a name can come with no bytes at all (unix datagram sockets).
  const family = length < 2 ? AF_UNIX : view.getUint16(0, true);
  if (family === AF_UNIX) return { family: "unix", path: decodeUnix(view, length) };
  if (family === AF_INET) {
    return { family: "ipv4", host: formatIpv4(bytesOf(view, 4, 4)), port: view.getUint16(2) };
  }
  if (family === AF_INET6) {
    const host = formatIpv6(bytesOf(view, 8, 16));
    const scopeId = view.getUint32(24, true);
    const address = { family: "ipv6", host, port: view.getUint16(2) } as const;
    return scopeId === 0 ? address : { ...address, scopeId };
  }
  throw new BadArgumentError("sockaddr", "family", family, "AF_INET, AF_INET6 or AF_UNIX");
}

function decodeUnix(view: DataView, length: number): string {
  if (length <= 2) return "";
  const bytes = bytesOf(view, 2, Math.min(length - 2, UNIX_PATH_BYTES));
  if (bytes[0] === 0) return Buffer.from(bytes).toString();
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString();
}

function bytesOf(view: DataView, offset: number, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + offset, length);
}

function zero(view: DataView, length: number): void {
  bytesOf(view, 0, length).fill(0);
}

function interfaceIndex(name: string): number {
  if (/^\d+$/.test(name)) return Number(name);
  for (const entry of networkInterfaces()[name] ?? []) {
    if (entry.family === "IPv6") return entry.scopeid;
  }
  throw new BadArgumentError("sockaddr", "host", `%${name}`, "an interface of this machine");
}
