import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { checking } from "./address-check.js";
import { SOCK_NONBLOCK, SOCK_STREAM } from "./constants.js";
import { EpollEvents, epollCreate, epollWait } from "./epoll.js";
import { close, fstat, pread, preadv2, pwrite, read, statx, write } from "./file.js";
import { inotifyInit, readInotify } from "./inotify.js";
import { IoVector } from "./io-vector.js";
import { madvise, mmap } from "./memory.js";
import { MessageHeader } from "./message-header.js";
import {
  copyFromOpenssl,
  copyMemory,
  copyToOpenssl,
  openssl,
  SSL_CTRL_SET_TLSEXT_TICKET_KEYS,
} from "./openssl.js";
import { Region } from "./region.js";
import { readv, recv, recvmsg, send, sendmsg, socketpair, writev } from "./socket.js";
import { StatBuffer } from "./stat-buffer.js";

const region = Region.allocate(4096);
const [fd] = socketpair(SOCK_STREAM | SOCK_NONBLOCK);

test("tests run checked", () => {
  expect(checking).toBe(true);
});

/** Calls that take an address and a length of plain bytes. */
const byteCalls: Record<string, (address: number, length: number) => unknown> = {
  recv: (address, length) => recv(fd, address, length, 0),
  send: (address, length) => send(fd, address, length, 0),
  read: (address, length) => read(fd, address, length),
  write: (address, length) => write(fd, address, length),
  pread: (address, length) => pread(fd, address, length, 0),
  pwrite: (address, length) => pwrite(fd, address, length, 0),
  madvise: (address, length) => madvise(address, length, 0),
  SSL_read: (address, length) => openssl().SSL_read(0, address, length),
  SSL_write: (address, length) => openssl().SSL_write(0, address, length),
  SSL_CTX_set_session_id_context: (address, length) =>
    openssl().SSL_CTX_set_session_id_context(0, address, length),
  ERR_error_string_n: (address, length) => openssl().ERR_error_string_n(1, address, length),
  HMAC_Init_ex: (address, length) => openssl().HMAC_Init_ex(0, address, length, 0, 0),
  BIO_new_mem_buf: (address, length) => openssl().BIO_new_mem_buf(address, length),
  SSL_CTX_ctrl: (address, length) =>
    openssl().SSL_CTX_ctrl(0, SSL_CTRL_SET_TLSEXT_TICKET_KEYS, length, address),
  copyFromOpenssl: (address, length) => copyFromOpenssl(address, region.address, length),
  copyToOpenssl: (address, length) => copyToOpenssl(region.address, address, length),
  copyMemory: (address, length) => copyMemory(address, region.address, length),
};

/** Calls that take an array of ranges. */
const vectorCalls: Record<string, (address: number, count: number) => unknown> = {
  writev: (address, count) => writev(fd, address, count),
  readv: (address, count) => readv(fd, address, count),
  preadv2: (address, count) => preadv2(fd, address, count, 0, 0),
};

/** Calls that take a message header. */
const messageCalls: Record<string, (address: number) => unknown> = {
  sendmsg: (address) => sendmsg(fd, address, 0),
  recvmsg: (address) => recvmsg(fd, address, 0),
};

/** Calls that take memory as an object of ours, and how to make one whose memory is released. */
const objectCalls: Record<string, () => unknown> = {
  epoll_wait: () => {
    const events = new EpollEvents(4);
    events.release();
    return epollWait(epollCreate(), events, 0);
  },
  statx: () => statx(-100, "/", 0, releasedStat()),
  fstat: () => fstat(0, releasedStat()),
  readInotify: () => {
    const buffer = Region.allocate(4096);
    buffer.release();
    return readInotify(inotifyInit(0x800), buffer);
  },
  i2d_X509: () => {
    const pointer = Region.allocate(8);
    pointer.release();
    return openssl().i2d_X509(0, pointer.address);
  },
  SSL_get0_alpn_selected: () => {
    const pointer = Region.allocate(16);
    pointer.release();
    return openssl().SSL_get0_alpn_selected(0, pointer.address, pointer.address + 8);
  },
  EVP_EncryptInit_ex: () => openssl().EVP_EncryptInit_ex(0, 0, 0, releasedKey(), 0),
  EVP_DecryptInit_ex: () => openssl().EVP_DecryptInit_ex(0, 0, 0, releasedKey(), 0),
};

function releasedKey(): number {
  const key = Region.allocate(32);
  key.release();
  return key.address;
}

function releasedStat(): StatBuffer {
  const stat = new StatBuffer();
  stat.release();
  return stat;
}

function badAddress(syscall: string, address: number, length: number): unknown {
  return expect.objectContaining({ code: "TZ_SYS_BAD_ADDRESS", syscall, address, length });
}

test("the tables name every wrapper that checks", () => {
  const sources = ["socket", "file", "epoll", "memory", "inotify", "openssl"].map((name) =>
    readFileSync(new URL(`./${name}.ts`, import.meta.url), "utf8"),
  );
  const count = sources.join("").match(/[:=]\s+checked\(/g)?.length;
  const calls = [byteCalls, vectorCalls, messageCalls, objectCalls].flatMap((table) => Object.keys(table));
  expect(calls.length).toBe(count);
});

test.each(Object.entries(byteCalls))("%s refuses bytes that are not all in one live region", (name, call) => {
  const gone = Region.allocate(256);
  gone.release();
  const detached = new ArrayBuffer(256);
  const lost = Region.fromBuffer(detached);
  structuredClone(detached, { transfer: [detached] });
  const { address } = region;
  const bad: [number, number][] = [
    [0, 1],
    [1234, 10],
    [address - 1, 1],
    [address - 1, 4097],
    [address, 4097],
    [address + 4095, 2],
    [address + 4096, 1],
    [gone.address, 8],
    [lost.address, 8],
    [-1, 8],
    [Number.NaN, 8],
    [address + 0.5, 8],
    [address, -1],
  ];
  for (const [at, length] of bad) expect(() => call(at, length)).toThrow(badAddress(name, at, length));
  lost.release();
});

test.each(Object.entries(byteCalls))("%s takes bytes inside, and no bytes anywhere", (name, call) => {
  // A wrong OpenSSL handle is not checked here: these calls have no valid one.
  if (/SSL_|HMAC_/.test(name)) return;
  expect(() => call(region.address + 4090, 6)).not.toThrow();
  if (name !== "BIO_new_mem_buf" && name !== "ERR_error_string_n") expect(() => call(0, 0)).not.toThrow();
});

test.each(Object.entries(vectorCalls))("%s checks the array and each of its ranges", (name, call) => {
  const vector = new IoVector(4);
  vector.set(0, region.address, 100);
  vector.set(1, 0, 0);
  vector.set(2, region.address + 4000, 96);
  expect(() => call(vector.address, 3)).not.toThrow();
  expect(() => call(vector.address, 5)).toThrow(badAddress(name, vector.address, 80));
  expect(() => call(0, 1)).toThrow(badAddress(name, 0, 16));
  vector.set(3, region.address + 4000, 97);
  expect(() => call(vector.address, 4)).toThrow(badAddress(name, region.address + 4000, 97));
  expect(() => call(vector.address, 3)).not.toThrow();
  vector.release();
  expect(() => call(vector.address, 1)).toThrow(badAddress(name, vector.address, 16));
});

test("copyMemory checks where it reads too", () => {
  expect(() => copyMemory(region.address, 4096, 8)).toThrow(badAddress("copyMemory", 4096, 8));
});

test.each(Object.entries(messageCalls))(
  "%s checks the header, vector, name and control bytes",
  (name, call) => {
    const header = new MessageHeader();
    const vector = new IoVector(1);
    expect(() => call(header.address + 200)).toThrow(badAddress(name, header.address + 200, 56));
    expect(() => call(header.address)).not.toThrow();
    header.setVector(vector.address, 2);
    expect(() => call(header.address)).toThrow(badAddress(name, vector.address, 32));
    vector.set(0, 4096, 8);
    header.setVector(vector.address, 1);
    expect(() => call(header.address)).toThrow(badAddress(name, 4096, 8));
    vector.set(0, region.address, 8);
    header.setControl(region.address + 4000, 97);
    expect(() => call(header.address)).toThrow(badAddress(name, region.address + 4000, 97));
    header.setControl(0, 0);
    header.receiveName();
    new DataView(region.bytes.buffer);
    expect(() => call(header.address)).not.toThrow();
    vector.release();
    header.release();
    expect(() => call(header.address)).toThrow(badAddress(name, header.address, 56));
  },
);

test.each(Object.entries(objectCalls))("%s refuses an object whose memory was released", (_name, call) => {
  expect(call).toThrow(expect.objectContaining({ code: "TZ_SYS_BAD_ADDRESS" }));
});

test("a released mapping is refused although its addresses still exist", () => {
  const mapping = mmap({ byteLength: 4096 });
  expect(() => recv(fd, mapping.address, 4096, 0)).not.toThrow();
  mapping.release();
  expect(() => recv(fd, mapping.address, 4096, 0)).toThrow(badAddress("recv", mapping.address, 4096));
});

test("without TZ_CHECK the calls are bare: the kernel itself answers a bad address", () => {
  const script = `
    const sys = await import(${JSON.stringify(new URL("./index.ts", import.meta.url).href)});
    const { readFd, writeFd } = sys.pipe2(0);
    console.log(JSON.stringify([sys.isChecking, sys.write(writeFd, 4096, 8), sys.read(readFd, 4096, 0)]));`;
  const output = execFileSync(
    process.execPath,
    ["--import", "tsx", "--conditions=@tz/source", "--input-type=module", "-e", script],
    { env: { ...process.env, TZ_CHECK: "" } },
  );
  expect(JSON.parse(output.toString())).toEqual([false, -14, 0]);
});

test("the descriptor of this file is still good", () => {
  expect(close(fd)).toBe(0);
});
