/**
 * Sockets. The hot calls return a result or a negative errno, as the kernel does; the set-up calls throw
 * `SysError`. Writing to a closed connection gives `-EPIPE`: Node ignores SIGPIPE.
 */
import { checked, checkMessage, checkRange, checkVector } from "./address-check.js";
import { AF_INET, AF_INET6, AF_UNIX, IPPROTO_TCP, SO_ERROR, SO_LINGER, SOL_SOCKET } from "./constants.js";
import { orThrow } from "./errors.js";
import { bind as bindNative, errnoCell } from "./native.js";
import { scratchAddress, scratchView, scratchWords } from "./scratch.js";
import {
  decodeSocketAddress,
  encodeSocketAddress,
  SOCKET_ADDRESS_BYTES,
  type SocketAddress,
} from "./socket-address.js";

const nativeSocket = bindNative("int socket(int, int, int)");
const nativeSocketpair = bindNative("int socketpair(int, int, int, intptr_t)");
const nativeBind = bindNative("int bind(int, intptr_t, uint32_t)");
const nativeConnect = bindNative("int connect(int, intptr_t, uint32_t)");
const nativeListen = bindNative("int listen(int, int)");
const nativeAccept = bindNative("int accept4(int, intptr_t, intptr_t, int)");
const nativeShutdown = bindNative("int shutdown(int, int)");
const nativeSetOption = bindNative("int setsockopt(int, int, int, intptr_t, uint32_t)");
const nativeGetOption = bindNative("int getsockopt(int, int, int, intptr_t, intptr_t)");
const nativeName = bindNative("int getsockname(int, intptr_t, intptr_t)");
const nativePeer = bindNative("int getpeername(int, intptr_t, intptr_t)");
const nativeReceive = bindNative("intptr_t recv(int, intptr_t, size_t, int)");
const nativeSend = bindNative("intptr_t send(int, intptr_t, size_t, int)");
const nativeSendMessage = bindNative("intptr_t sendmsg(int, intptr_t, int)");
const nativeReceiveMessage = bindNative("intptr_t recvmsg(int, intptr_t, int)");
const nativeWriteVector = bindNative("intptr_t writev(int, intptr_t, int)");
const nativeReadVector = bindNative("intptr_t readv(int, intptr_t, int)");

/** Where getsockname and getpeername find the room for an address, after the address itself. */
const LENGTH_OFFSET = SOCKET_ADDRESS_BYTES;

/** The address family number of an address. */
export function familyOf(address: SocketAddress): number {
  if (address.family === "unix") return AF_UNIX;
  return address.family === "ipv4" ? AF_INET : AF_INET6;
}

/** A new socket. `type` may carry `SOCK_NONBLOCK | SOCK_CLOEXEC`. @throws SysError */
export function socket(family: number, type: number, protocol = 0): number {
  const fd = nativeSocket(family, type, protocol);
  return orThrow(fd === -1 ? -errnoCell[0]! : fd, "socket");
}

/** Two connected unix sockets. @throws SysError */
export function socketpair(type: number): [number, number] {
  const result = nativeSocketpair(AF_UNIX, type, 0, scratchAddress);
  orThrow(result === -1 ? -errnoCell[0]! : result, "socketpair");
  return [scratchWords[0]!, scratchWords[1]!];
}

/** Names a socket. @throws SysError (EADDRINUSE, EACCES, …), BadArgumentError for a malformed address */
export function bind(fd: number, address: SocketAddress): void {
  const length = encodeSocketAddress(address, scratchView);
  const result = nativeBind(fd, scratchAddress, length);
  orThrow(result === -1 ? -errnoCell[0]! : result, "bind", describe(address));
}

/**
 * Connects.
 * @returns 0, or a negative errno: `-EINPROGRESS` from a non-blocking socket
 * @throws BadArgumentError for a malformed address
 */
export function connect(fd: number, address: SocketAddress): number {
  const length = encodeSocketAddress(address, scratchView);
  return nativeConnect(fd, scratchAddress, length) === -1 ? -errnoCell[0]! : 0;
}

/** Starts listening. The kernel caps `backlog` at net.core.somaxconn. @throws SysError */
export function listen(fd: number, backlog: number): void {
  const result = nativeListen(fd, backlog);
  orThrow(result === -1 ? -errnoCell[0]! : result, "listen");
}

/** The local address. @throws SysError */
export function getsockname(fd: number): SocketAddress {
  scratchView.setUint32(LENGTH_OFFSET, SOCKET_ADDRESS_BYTES, true);
  const result = nativeName(fd, scratchAddress, scratchAddress + LENGTH_OFFSET);
  orThrow(result === -1 ? -errnoCell[0]! : result, "getsockname");
  return decodeSocketAddress(scratchView, scratchView.getUint32(LENGTH_OFFSET, true));
}

/** The peer's address. @throws SysError (ENOTCONN) */
export function getpeername(fd: number): SocketAddress {
  scratchView.setUint32(LENGTH_OFFSET, SOCKET_ADDRESS_BYTES, true);
  const result = nativePeer(fd, scratchAddress, scratchAddress + LENGTH_OFFSET);
  orThrow(result === -1 ? -errnoCell[0]! : result, "getpeername");
  return decodeSocketAddress(scratchView, scratchView.getUint32(LENGTH_OFFSET, true));
}

/** Sets an option whose value is an `int`. @throws SysError */
export function setsockopt(fd: number, level: number, option: number, value: number): void {
  orThrow(trySetsockopt(fd, level, option, value), "setsockopt");
}

/** {@link setsockopt} for the hot path: 0 or a negative errno. */
export function trySetsockopt(fd: number, level: number, option: number, value: number): number {
  scratchWords[0] = value;
  return nativeSetOption(fd, level, option, scratchAddress, 4) === -1 ? -errnoCell[0]! : 0;
}

/**
 * What `close` does with unsent bytes: `undefined` sends them in the background, `0` drops them and resets
 * the connection, seconds above 0 block for them.
 * @throws SysError
 */
export function setLinger(fd: number, seconds: number | undefined): void {
  scratchWords[0] = seconds === undefined ? 0 : 1;
  scratchWords[1] = seconds ?? 0;
  const result = nativeSetOption(fd, SOL_SOCKET, SO_LINGER, scratchAddress, 8);
  orThrow(result === -1 ? -errnoCell[0]! : result, "setsockopt");
}

/** An option whose value is an `int`. @throws SysError */
export function getsockopt(fd: number, level: number, option: number): number {
  scratchWords[1] = 4;
  const result = nativeGetOption(fd, level, option, scratchAddress, scratchAddress + 4);
  orThrow(result === -1 ? -errnoCell[0]! : result, "getsockopt");
  return scratchView.getInt32(0, true);
}

/** Of `struct tcp_info` (linux/tcp.h): what is asked for, and where the 64 bits of acknowledged bytes lie in it. */
const TCP_INFO = 11;
const TCP_INFO_BYTES = 128;
const BYTES_ACKED_OFFSET = 120;

/**
 * How many bytes a TCP peer has acknowledged since the connection began, the SYN counted as one: what it took, not
 * what waits in the kernel. @returns a negative errno for other sockets
 */
export function tcpBytesAcked(fd: number): number {
  const lengthAt = TCP_INFO_BYTES;
  scratchWords[lengthAt / 4] = TCP_INFO_BYTES;
  const result = nativeGetOption(fd, IPPROTO_TCP, TCP_INFO, scratchAddress, scratchAddress + lengthAt);
  if (result === -1) return -errnoCell[0]!;
  // A kernel before 4.1 fills in less.
  if (scratchWords[lengthAt / 4]! < TCP_INFO_BYTES) return -ENOPROTOOPT;
  return Number(scratchView.getBigUint64(BYTES_ACKED_OFFSET, true));
}

const ENOPROTOOPT = 92;

/** Takes the socket's pending error: 0 or a negative errno (its own, or that of a failed call). */
export function takeSocketError(fd: number): number {
  scratchWords[1] = 4;
  const result = nativeGetOption(fd, SOL_SOCKET, SO_ERROR, scratchAddress, scratchAddress + 4);
  // Subtracted, so that no error is 0 and not -0.
  return result === -1 ? -errnoCell[0]! : 0 - scratchWords[0]!;
}

/** Accepts a connection; `flags` may be `SOCK_NONBLOCK | SOCK_CLOEXEC`. @returns its descriptor or a negative errno */
export function accept4(fd: number, flags: number): number {
  const accepted = nativeAccept(fd, 0, 0, flags);
  return accepted === -1 ? -errnoCell[0]! : accepted;
}

/** Ends one direction or both (`SHUT_*`). @returns 0 or a negative errno */
export function shutdown(fd: number, how: number): number {
  return nativeShutdown(fd, how) === -1 ? -errnoCell[0]! : 0;
}

/** Receives up to `length` bytes. @returns their number, 0 at the end, or a negative errno */
export const recv: (fd: number, address: number, length: number, flags: number) => number = checked(
  (fd: number, address: number, length: number, flags: number): number => {
    const count = nativeReceive(fd, address, length, flags);
    return count === -1 ? -errnoCell[0]! : count;
  },
  (_fd, address, length) => checkRange("recv", address, length),
);

/** Sends up to `length` bytes. @returns how many were taken, or a negative errno */
export const send: (fd: number, address: number, length: number, flags: number) => number = checked(
  (fd: number, address: number, length: number, flags: number): number => {
    const count = nativeSend(fd, address, length, flags);
    return count === -1 ? -errnoCell[0]! : count;
  },
  (_fd, address, length) => checkRange("send", address, length),
);

/** Sends what a `struct msghdr` names. @returns the bytes taken, or a negative errno */
export const sendmsg: (fd: number, headerAddress: number, flags: number) => number = checked(
  (fd: number, headerAddress: number, flags: number): number => {
    const count = nativeSendMessage(fd, headerAddress, flags);
    return count === -1 ? -errnoCell[0]! : count;
  },
  (_fd, headerAddress) => checkMessage("sendmsg", headerAddress),
);

/** Receives into what a `struct msghdr` names. @returns the bytes received, or a negative errno */
export const recvmsg: (fd: number, headerAddress: number, flags: number) => number = checked(
  (fd: number, headerAddress: number, flags: number): number => {
    const count = nativeReceiveMessage(fd, headerAddress, flags);
    return count === -1 ? -errnoCell[0]! : count;
  },
  (_fd, headerAddress) => checkMessage("recvmsg", headerAddress),
);

/** Writes `count` entries of an iovec array. @returns the bytes taken, or a negative errno */
export const writev: (fd: number, vectorAddress: number, count: number) => number = checked(
  (fd: number, vectorAddress: number, count: number): number => {
    const written = nativeWriteVector(fd, vectorAddress, count);
    return written === -1 ? -errnoCell[0]! : written;
  },
  (_fd, vectorAddress, count) => checkVector("writev", vectorAddress, count),
);

/** Reads into `count` entries of an iovec array. @returns the bytes read, 0 at the end, or a negative errno */
export const readv: (fd: number, vectorAddress: number, count: number) => number = checked(
  (fd: number, vectorAddress: number, count: number): number => {
    const read = nativeReadVector(fd, vectorAddress, count);
    return read === -1 ? -errnoCell[0]! : read;
  },
  (_fd, vectorAddress, count) => checkVector("readv", vectorAddress, count),
);

/** An address as people write it. */
export function describe(address: SocketAddress): string {
  if (address.family === "unix") return address.path.replaceAll("\0", "@");
  if (address.family === "ipv4") return `${address.host}:${address.port}`;
  return `[${address.host}]:${address.port}`;
}
