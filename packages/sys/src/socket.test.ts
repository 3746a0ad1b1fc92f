import { mkdtempSync, rmSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_V6ONLY,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  MSG_PEEK,
  SHUT_WR,
  SO_LINGER,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_TYPE,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_NODELAY,
} from "./constants.js";
import { ERRNO } from "./errno.js";
import { close } from "./file.js";
import { IoVector } from "./io-vector.js";
import { MessageHeader } from "./message-header.js";
import { Region } from "./region.js";
import {
  accept4,
  bind,
  connect,
  describe as describeAddress,
  familyOf,
  getpeername,
  getsockname,
  getsockopt,
  listen,
  readv,
  recv,
  recvmsg,
  send,
  sendmsg,
  setLinger,
  setsockopt,
  shutdown,
  socket,
  socketpair,
  takeSocketError,
  tcpBytesAcked,
  trySetsockopt,
  writev,
} from "./socket.js";
import type { SocketAddress } from "./socket-address.js";

const FLAGS = SOCK_NONBLOCK | SOCK_CLOEXEC;
const opened: number[] = [];
const memory = Region.allocate(64 * 1024);
const folder = mkdtempSync(join(tmpdir(), "tz-sys-"));

afterEach(() => {
  for (const fd of opened.splice(0)) close(fd);
});
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

function own(fd: number): number {
  opened.push(fd);
  return fd;
}

function listener(address: SocketAddress): number {
  const fd = own(socket(familyOf(address), SOCK_STREAM | FLAGS));
  if (address.family !== "unix") setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  bind(fd, address);
  listen(fd, 16);
  return fd;
}

/** A connected pair over `address`: blocking at the client's side, so that nothing needs to be waited for. */
function connection(address: SocketAddress): { client: number; server: number; listening: number } {
  const listening = listener(address);
  const client = own(socket(familyOf(address), SOCK_STREAM | SOCK_CLOEXEC));
  expect(connect(client, getsockname(listening))).toBe(0);
  return { client, server: own(accept4(listening, FLAGS)), listening };
}

function put(text: string, offset = 0): number {
  return Buffer.from(memory.bytes.buffer, memory.bytes.byteOffset).write(text, offset, "latin1");
}

function text(offset: number, length: number): string {
  return Buffer.from(memory.bytes.subarray(offset, offset + length)).toString("latin1");
}

/** Some containers have no IPv6. */
const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === "::1"),
);

const addresses: SocketAddress[] = [
  { family: "ipv4", host: "127.0.0.1", port: 0 },
  { family: "ipv6", host: "::1", port: 0 },
  { family: "unix", path: join(folder, "stream.sock") },
  { family: "unix", path: `\0tz-sys-test-${process.pid}` },
];

test.each(addresses.filter(({ family }) => hasIpv6 || family !== "ipv6"))(
  "over $family $host$path: bytes go both ways, half close, end",
  (address) => {
    const { client, server, listening } = connection(address);
    expect(server).toBeGreaterThan(0);
    const { length } = "hello";
    put("hello");
    expect(recv(server, memory.address, 100, 0)).toBe(-ERRNO.EAGAIN);
    expect(send(client, memory.address, length, MSG_NOSIGNAL)).toBe(length);
    expect(recv(server, memory.addressOf(100, 50), 50, MSG_PEEK)).toBe(length);
    expect(recv(server, memory.addressOf(200, 50), 50, 0)).toBe(length);
    expect(text(100, 5) + text(200, 5)).toBe("hellohello");
    expect(send(server, memory.address, 2, 0)).toBe(2);
    expect(recv(client, memory.addressOf(300), 50, 0)).toBe(2);
    expect(shutdown(client, SHUT_WR)).toBe(0);
    expect(recv(server, memory.address, 10, 0)).toBe(0);
    expect(accept4(listening, FLAGS)).toBe(-ERRNO.EAGAIN);
    const local = getsockname(server);
    expect(getpeername(client)).toEqual(local);
    expect(local).toEqual(
      address.family === "unix" ? address : { ...address, port: (local as { port: number }).port },
    );
  },
);

test("an accepted socket has the flags that were asked for, its listener not needed any more", () => {
  const { client, server, listening } = connection(addresses[0]!);
  close(opened.splice(opened.indexOf(listening), 1)[0]!);
  expect(recv(server, memory.address, 1, 0)).toBe(-ERRNO.EAGAIN);
  expect(send(client, memory.address, 1, 0)).toBe(1);
});

test("writev and readv gather and scatter in order", () => {
  const [a, b] = socketpair(SOCK_STREAM | FLAGS).map(own) as [number, number];
  put("abcdef");
  const vector = new IoVector(3);
  vector.set(0, memory.addressOf(4, 2), 2);
  vector.set(1, memory.addressOf(0, 0), 0);
  vector.set(2, memory.addressOf(0, 3), 3);
  expect([vector.entryAddress(0), vector.entryLength(2)]).toEqual([memory.address + 4, 3]);
  expect(writev(a, vector.address, 3)).toBe(5);
  expect(writev(a, vector.addressOf(2), 1)).toBe(3);
  vector.set(0, memory.addressOf(1000, 1), 1);
  vector.set(1, memory.addressOf(2000, 5), 5);
  vector.set(2, memory.addressOf(3000, 50), 50);
  expect(readv(b, vector.address, 3)).toBe(8);
  expect([text(1000, 1), text(2000, 5), text(3000, 2)]).toEqual(["e", "fabca", "bc"]);
  expect(readv(b, vector.address, 3)).toBe(-ERRNO.EAGAIN);
  vector.release();
});

test("an iovec list has bounds", () => {
  for (const capacity of [0, 1025, 1.5]) expect(() => new IoVector(capacity)).toThrow("capacity");
  const vector = new IoVector(2);
  expect(() => vector.addressOf(3)).toThrow(expect.objectContaining({ code: "TZ_SYS_BAD_ADDRESS" }));
  vector.release();
  expect(() => vector.addressOf(0)).toThrow(expect.objectContaining({ code: "TZ_SYS_RELEASED" }));
});

test("sendmsg and recvmsg carry vectors and addresses of datagrams", () => {
  const receiver = own(socket(AF_INET, SOCK_DGRAM | FLAGS));
  const sender = own(socket(AF_INET, SOCK_DGRAM | FLAGS));
  bind(receiver, { family: "ipv4", host: "127.0.0.1", port: 0 });
  bind(sender, { family: "ipv4", host: "127.0.0.1", port: 0 });
  put("datagram");
  const vector = new IoVector(2);
  vector.set(0, memory.addressOf(0, 4), 4);
  vector.set(1, memory.addressOf(4, 4), 4);
  const header = new MessageHeader();
  header.setVector(vector.address, 2);
  header.setName(getsockname(receiver));
  expect(sendmsg(sender, header.address, 0)).toBe(8);
  vector.set(0, memory.addressOf(500, 6), 6);
  header.setVector(vector.address, 1);
  header.receiveName();
  expect(recvmsg(receiver, header.address, 0)).toBe(6);
  expect(text(500, 6)).toBe("datagr");
  expect(header.name).toEqual(getsockname(sender));
  expect(header.flags).toBe(0x20);
  header.clearName();
  expect(sendmsg(sender, header.address, 0)).toBe(-ERRNO.EDESTADDRREQ);
  header.release();
  vector.release();
});

test("sendmsg passes a descriptor to another process's hands (SCM_RIGHTS)", () => {
  const [a, b] = socketpair(SOCK_STREAM | FLAGS).map(own) as [number, number];
  const [inside, outside] = socketpair(SOCK_STREAM | FLAGS).map(own) as [number, number];
  const control = Region.allocate(64);
  // struct cmsghdr: length, level SOL_SOCKET, type SCM_RIGHTS; then the descriptors.
  control.u32.set([20, 0, SOL_SOCKET, 1, inside]);
  const vector = new IoVector(1);
  vector.set(0, memory.address, 1);
  const header = new MessageHeader();
  header.setVector(vector.address, 1);
  header.setControl(control.address, 24);
  expect(sendmsg(a, header.address, 0)).toBe(1);
  control.bytes.fill(0);
  header.setControl(control.address, 64);
  expect(recvmsg(b, header.address, 0)).toBe(1);
  expect(header.controlByteLength).toBeGreaterThanOrEqual(20);
  const received = own(control.u32[4]!);
  expect(received).not.toBe(inside);
  put("via");
  expect(send(received, memory.address, 3, 0)).toBe(3);
  expect(recv(outside, memory.addressOf(50), 10, 0)).toBe(3);
  header.release();
  vector.release();
  control.release();
});

test("tcpBytesAcked counts what the peer's kernel took, and refuses what is no TCP socket", async () => {
  const { client, server } = connection({ family: "ipv4", host: "127.0.0.1", port: 0 });
  const before = tcpBytesAcked(server);
  expect(before).toBeGreaterThanOrEqual(0);
  expect(send(server, memory.address, 1000, 0)).toBe(1000);
  for (let i = 0; i < 500 && tcpBytesAcked(server) < before + 1000; i++) await new Promise(setImmediate);
  expect(tcpBytesAcked(server)).toBe(before + 1000);
  expect(recv(client, memory.address, 2000, 0)).toBe(1000);
  const [unixEnd] = socketpair(SOCK_STREAM | FLAGS).map(own);
  expect(tcpBytesAcked(unixEnd!)).toBeLessThan(0);
  expect(tcpBytesAcked(-1)).toBe(-ERRNO.EBADF);
});

test("connect says -EINPROGRESS, and the socket's error tells how it went", () => {
  const listening = listener({ family: "ipv4", host: "127.0.0.1", port: 0 });
  const address = getsockname(listening);
  const client = own(socket(AF_INET, SOCK_STREAM | FLAGS));
  expect(connect(client, address)).toBe(-ERRNO.EINPROGRESS);
  expect(takeSocketError(client)).toBe(0);
  // Bound and not listening: refused, and nobody else's.
  const held = own(socket(AF_INET, SOCK_STREAM | FLAGS));
  bind(held, { family: "ipv4", host: "127.0.0.1", port: 0 });
  const refused = own(socket(AF_INET, SOCK_STREAM | FLAGS));
  const result = connect(refused, getsockname(held));
  expect(result === -ERRNO.EINPROGRESS ? takeSocketError(refused) : result).toBe(-ERRNO.ECONNREFUSED);
  expect(takeSocketError(refused)).toBe(0);
  expect(takeSocketError(-1)).toBe(-ERRNO.EBADF);
});

test("options are set and read; linger 0 makes close a reset", () => {
  const { client, server } = connection(addresses[0]!);
  setsockopt(server, IPPROTO_TCP, TCP_NODELAY, 1);
  expect(getsockopt(server, IPPROTO_TCP, TCP_NODELAY)).toBe(1);
  expect(trySetsockopt(server, IPPROTO_TCP, TCP_NODELAY, 0)).toBe(0);
  expect(getsockopt(server, IPPROTO_TCP, TCP_NODELAY)).toBe(0);
  expect(getsockopt(server, SOL_SOCKET, SO_TYPE)).toBe(SOCK_STREAM);
  setLinger(client, 5);
  expect(getsockopt(client, SOL_SOCKET, SO_LINGER)).toBe(1);
  setLinger(client, undefined);
  expect(getsockopt(client, SOL_SOCKET, SO_LINGER)).toBe(0);
  setLinger(client, 0);
  close(opened.splice(opened.indexOf(client), 1)[0]!);
  expect(recv(server, memory.address, 1, 0)).toBe(-ERRNO.ECONNRESET);
  expect(send(server, memory.address, 1, 0)).toBe(-ERRNO.EPIPE);
});

test("hot calls answer a bad descriptor with -EBADF", () => {
  const vector = new IoVector(1);
  const header = new MessageHeader();
  const results = [
    recv(-1, memory.address, 1, 0),
    send(-1, memory.address, 1, 0),
    writev(-1, vector.address, 1),
    readv(-1, vector.address, 1),
    sendmsg(-1, header.address, 0),
    recvmsg(-1, header.address, 0),
    accept4(-1, 0),
    shutdown(-1, 0),
    connect(-1, addresses[0]!),
    trySetsockopt(-1, 1, 2, 1),
    close(-1),
  ];
  expect(results).toEqual(results.map(() => -ERRNO.EBADF));
});

test("set-up calls throw what the kernel says", () => {
  const listening = listener(addresses[0]!);
  const taken = getsockname(listening);
  const other = own(socket(AF_INET, SOCK_STREAM));
  const failing: [string, string, () => unknown][] = [
    ["EADDRINUSE", "bind", () => bind(other, taken)],
    ["EAFNOSUPPORT", "socket", () => socket(12345, SOCK_STREAM)],
    ["EINVAL", "socket", () => socket(AF_UNIX, 99)],
    ["EBADF", "listen", () => listen(-1, 1)],
    ["ENOTCONN", "getpeername", () => getpeername(other)],
    ["EBADF", "getsockname", () => getsockname(-1)],
    ["ENOPROTOOPT", "setsockopt", () => setsockopt(other, SOL_SOCKET, 9999, 1)],
    ["ENOPROTOOPT", "getsockopt", () => getsockopt(other, SOL_SOCKET, 9999)],
    ["EBADF", "setsockopt", () => setLinger(-1, 0)],
    ["EINVAL", "socketpair", () => socketpair(99)],
  ];
  for (const [code, syscall, call] of failing) {
    expect(call).toThrow(expect.objectContaining({ name: "SysError", code, syscall }));
  }
  expect(() => bind(other, taken)).toThrow(describeAddress(taken));
});

test.runIf(hasIpv6)(
  "two listeners share a port with SO_REUSEPORT, and IPv6 can be kept apart from IPv4",
  () => {
    // The kernel chooses a port that is free for IPv6; another process may hold it for IPv4, so a
    // few are tried. A second IPv4 socket on the taken port shows that a port in use is refused.
    const attempts = 50;
    for (let attempt = 1; ; attempt++) {
      const first = own(socket(AF_INET6, SOCK_STREAM | FLAGS));
      setsockopt(first, IPPROTO_IPV6, IPV6_V6ONLY, 1);
      setsockopt(first, SOL_SOCKET, SO_REUSEPORT, 1);
      bind(first, { family: "ipv6", host: "::", port: 0 });
      const { port } = getsockname(first) as { port: number };
      const second = own(socket(AF_INET6, SOCK_STREAM | FLAGS));
      setsockopt(second, IPPROTO_IPV6, IPV6_V6ONLY, 1);
      setsockopt(second, SOL_SOCKET, SO_REUSEPORT, 1);
      bind(second, { family: "ipv6", host: "::", port });
      const v4 = own(socket(AF_INET, SOCK_STREAM | FLAGS));
      try {
        bind(v4, { family: "ipv4", host: "0.0.0.0", port });
      } catch (error) {
        if (attempt < attempts && (error as { code?: string }).code === "EADDRINUSE") continue;
        throw error;
      }
      const again = own(socket(AF_INET, SOCK_STREAM | FLAGS));
      expect(() => bind(again, { family: "ipv4", host: "0.0.0.0", port })).toThrow("EADDRINUSE");
      return;
    }
  },
);

test("an address is described as people write it", () => {
  expect(addresses.map((address) => familyOf(address))).toEqual([AF_INET, AF_INET6, AF_UNIX, AF_UNIX]);
  expect(describeAddress({ family: "ipv6", host: "::1", port: 80 })).toBe("[::1]:80");
  expect(describeAddress({ family: "unix", path: "\0name" })).toBe("@name");
});

test("MSG_DONTWAIT makes one call of a blocking socket non-blocking", () => {
  const [a] = socketpair(SOCK_STREAM | SOCK_CLOEXEC).map(own) as [number, number];
  expect(recv(a, memory.address, 1, MSG_DONTWAIT)).toBe(-ERRNO.EAGAIN);
});
