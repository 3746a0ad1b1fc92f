/**
 * A kernel that fails when it is told to: stands between `@tz/sys` and the C functions that it calls through koffi, so
 * everything above runs as it is. Load it before `@tz/sys`.
 *
 * ```
 *   @tz/sys ──▶ koffi ──▶ FaultyKernel ──▶ libc, OpenSSL
 *                          │ the call that is armed: an error in place of the call, or a part of it
 *                          └ after a lie ("nothing there", "no more room") epoll tells its edge once more
 * ```
 *
 * OpenSSL makes its own calls. For its faults the descriptor below it is swapped for the length of one call: for one
 * that is full and empty, or for one whose peer is gone.
 */
import { createRequire } from "node:module";

type NativeFunction = ((...values: (number | string)[]) => number) & { async: unknown };
interface Library {
  func(definition: string): NativeFunction;
}
interface Koffi {
  load(path: string | null): Library;
  address(bytes: Uint8Array): bigint;
  view(address: number, byteLength: number): ArrayBuffer;
}

const ERRNO = {
  EINTR: 4,
  EIO: 5,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  ENFILE: 23,
  EMFILE: 24,
  ENOSPC: 28,
  EPIPE: 32,
  ECONNABORTED: 103,
  ECONNRESET: 104,
  ENOBUFS: 105,
  ENOTCONN: 107,
} as const;

/** `"short"`: a part of what was asked for; `"failed"`: what the function returns instead of setting errno. */
export type FaultKind = keyof typeof ERRNO | "short" | "failed";

export interface Fault {
  /** The C function, `openat2` and the like by their own name. */
  readonly call: string;
  /** The how manieth of its calls fails, from 1 on. */
  readonly nth: number;
  readonly kind: FaultKind;
}

const READ: readonly FaultKind[] = ["short", "EAGAIN", "EINTR", "ECONNRESET", "ENOMEM"];
const WRITE: readonly FaultKind[] = ["short", "EAGAIN", "EINTR", "ECONNRESET", "EPIPE", "ENOBUFS", "ENOMEM"];
const OPEN: readonly FaultKind[] = ["EINTR", "EMFILE", "ENFILE", "ENOMEM", "EACCES", "EIO"];
const MAKE: readonly FaultKind[] = ["EMFILE", "ENFILE", "ENOMEM"];
const SETTING: readonly FaultKind[] = ["ENOMEM", "ENOBUFS"];

/** How each call can fail. What is not named here is passed on. */
export const FAULTS: Readonly<Record<string, readonly FaultKind[]>> = {
  recv: READ,
  recvmsg: READ,
  send: WRITE,
  sendmsg: WRITE,
  writev: WRITE,
  sendfile: ["short", "EAGAIN", "EINTR", "ECONNRESET", "EIO", "ENOMEM"],
  splice: ["EINTR", "ECONNRESET", "ENOMEM"],
  accept4: ["EAGAIN", "EINTR", "ECONNABORTED", "EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"],
  pread: ["short", "EINTR", "EIO", "ENOMEM"],
  preadv2: ["short", "EAGAIN", "EINTR", "EIO", "ENOMEM"],
  read: ["EAGAIN", "EINTR", "EIO"],
  openat: OPEN,
  openat2: ["EAGAIN", ...OPEN],
  statx: ["EINTR", "EACCES", "EIO", "ENOMEM"],
  readlinkat: ["EIO", "ENOMEM"],
  epoll_wait: ["EINTR"],
  epoll_ctl: ["ENOMEM", "ENOSPC"],
  epoll_create1: MAKE,
  eventfd: MAKE,
  fcntl: ["EMFILE"],
  socket: [...MAKE, "ENOBUFS"],
  bind: ["EACCES", "ENOMEM"],
  listen: ["ENOBUFS"],
  getsockname: ["ENOBUFS"],
  getpeername: ["ENOTCONN", "ENOBUFS"],
  setsockopt: SETTING,
  getsockopt: SETTING,
  shutdown: ["ENOTCONN"],
  close: ["EINTR", "EIO"],
  inotify_init1: MAKE,
  inotify_add_watch: ["ENOSPC", "ENOMEM", "EACCES"],
  mmap: ["ENOMEM"],
  memfd_create: MAKE,
  prlimit: ["EACCES"],
  SSL_CTX_new: ["failed"],
  SSL_new: ["failed"],
  SSL_set_fd: ["failed"],
  SSL_do_handshake: ["EAGAIN", "EPIPE"],
  SSL_read: ["EAGAIN", "EPIPE"],
  SSL_write: ["short", "EAGAIN", "EPIPE"],
  SSL_shutdown: ["EAGAIN", "EPIPE"],
};

/** By their number in `syscall(2)`. */
const NUMBERED: Readonly<Record<number, string>> = {
  437: "openat2",
  [process.arch === "arm64" ? 286 : 327]: "preadv2",
  [process.arch === "arm64" ? 291 : 332]: "statx",
};

const EPOLL_CTL = { add: 1, delete: 2, change: 3 } as const;
/** A packed `struct epoll_event`; the fourth word is there on arm64 only. */
const EVENT_BYTES = process.arch === "x64" ? 12 : 16;
const IOVEC_BYTES = 16;
const MSGHDR_BYTES = 56;
const PIECES_MAX = 1024;
const BIO_C_SET_FD = 104;
const AF_UNIX = 1;
const SOCK_STREAM_NONBLOCK = 1 | 0o4000;

interface Registration {
  readonly epollFd: number;
  readonly event: Buffer;
}

class FaultyKernel {
  /** Calls since {@link arm}, by name. */
  readonly calls = new Map<string, number>();
  #armed: readonly Fault[] = [];
  #fired = 0;
  #counts = false;
  #errno: Int32Array | undefined;
  readonly #koffi: Koffi;
  readonly #real = new Map<string, NativeFunction>();
  readonly #registrations = new Map<number, Registration>();
  readonly #sslDescriptors = new Map<number, number>();
  readonly #space = Buffer.alloc(MSGHDR_BYTES + PIECES_MAX * IOVEC_BYTES);

  constructor(koffi: Koffi) {
    this.#koffi = koffi;
    const { load, view } = koffi;
    koffi.load = (path) => {
      const library = load(path);
      const { func } = library;
      for (const definition of [
        "intptr_t memcpy(intptr_t, intptr_t, size_t)",
        "int epoll_ctl(int, int, int, intptr_t)",
        "int socketpair(int, int, int, intptr_t)",
        "intptr_t write(int, intptr_t, size_t)",
        "int close(int)",
      ]) {
        this.#real.set(nameIn(definition), func.call(library, definition));
      }
      for (const definition of [
        "long BIO_int_ctrl(intptr_t, int, long, int)",
        "intptr_t SSL_get_rbio(intptr_t)",
      ]) {
        try {
          this.#real.set(nameIn(definition), func.call(library, definition));
        } catch {
          // A Node without OpenSSL's symbols has no TLS transport either.
        }
      }
      return { func: (definition) => this.#wrap(nameIn(definition), func.call(library, definition)) };
    };
    koffi.view = (address, byteLength) => {
      const buffer = view(address, byteLength);
      // The first that is asked for is errno, and it must not be viewed twice.
      this.#errno ??= new Int32Array(buffer);
      return buffer;
    };
  }

  /** Counts calls from here on; those that are named fail. */
  arm(...faults: (Fault | undefined)[]): void {
    this.calls.clear();
    this.#fired = 0;
    this.#armed = faults.filter((fault) => fault !== undefined);
    this.#counts = true;
  }

  /** Whether all that was armed has come. */
  get fired(): boolean {
    return this.#fired === this.#armed.length;
  }

  /** Everything works again. */
  disarm(): void {
    this.#counts = false;
  }

  #wrap(name: string, real: NativeFunction): NativeFunction {
    const isRaw = name === "syscall";
    if (!isRaw && FAULTS[name] === undefined && name !== "SSL_free") return real;
    const wrapped = (...values: (number | string)[]): number => {
      const call = isRaw ? (NUMBERED[values[0] as number] ?? name) : name;
      const kind = this.#dueAt(call);
      const result = kind === undefined ? real(...values) : this.#fail(call, kind, real, values as number[]);
      this.#watch(name, values as number[], result);
      return result;
    };
    return Object.assign(wrapped, { async: real.async });
  }

  #dueAt(call: string): FaultKind | undefined {
    if (!this.#counts || FAULTS[call] === undefined) return undefined;
    const nth = (this.calls.get(call) ?? 0) + 1;
    this.calls.set(call, nth);
    const fault = this.#armed.find((armed) => armed.call === call && armed.nth === nth);
    if (fault !== undefined) this.#fired++;
    return fault?.kind;
  }

  /** Keeps in mind what edges have to be told again. */
  #watch(name: string, values: number[], result: number): void {
    if (name === "epoll_ctl" && result === 0) {
      const [epollFd = 0, operation, fd = 0, address = 0] = values;
      if (operation === EPOLL_CTL.delete) this.#registrations.delete(fd);
      else {
        const event = Buffer.allocUnsafeSlow(EVENT_BYTES);
        this.#call("memcpy", this.#addressOf(event), address, EVENT_BYTES);
        this.#registrations.set(fd, { epollFd, event });
      }
    } else if (name === "close") {
      this.#registrations.delete(values[0]!);
    } else if (name === "SSL_set_fd") {
      this.#sslDescriptors.set(values[0]!, values[1]!);
    } else if (name === "SSL_free") {
      this.#sslDescriptors.delete(values[0]!);
    }
  }

  #fail(call: string, kind: FaultKind, real: NativeFunction, values: number[]): number {
    if (kind === "failed") return 0;
    if (call.startsWith("SSL_")) return this.#failTls(kind, real, values);
    if (kind === "short") {
      const result = this.#part(call, real, values);
      this.#edgeAgain(values[0]!);
      return result;
    }
    // The descriptor is gone whatever close(2) says.
    if (call === "close") real(...values);
    this.#errno![0] = ERRNO[kind];
    if (kind === "EAGAIN") this.#edgeAgain(values[0]!);
    return -1;
  }

  #part(call: string, real: NativeFunction, values: number[]): number {
    switch (call) {
      case "recv":
      case "send":
        return real(values[0]!, values[1]!, partOf(values[2]!, call === "recv"), values[3]!);
      case "pread":
        return real(values[0]!, values[1]!, partOf(values[2]!, false), values[3]!);
      case "sendfile":
        return real(values[0]!, values[1]!, values[2]!, partOf(values[3]!, false));
      case "writev":
        return real(values[0]!, this.#partOfPieces(values[1]!, values[2]!), values[2]!);
      case "sendmsg": {
        const header = this.#addressOf(this.#space);
        this.#call("memcpy", header, values[1]!, MSGHDR_BYTES);
        const pieces = Number(this.#space.readBigUInt64LE(16));
        const count = Number(this.#space.readBigUInt64LE(24));
        this.#space.writeBigUInt64LE(BigInt(this.#partOfPieces(pieces, count)), 16);
        return real(values[0]!, header, values[2]!);
      }
      default: {
        // Positions are given, so what was read too much can be read again.
        const count = real(...values);
        return count > 1 ? partOf(count, false) : count;
      }
    }
  }

  /** The same number of pieces with half of the bytes, cut in the middle of one. */
  #partOfPieces(address: number, count: number): number {
    const at = MSGHDR_BYTES;
    const copy = this.#addressOf(this.#space) + at;
    this.#call("memcpy", copy, address, count * IOVEC_BYTES);
    let total = 0n;
    const lengthAt = (i: number): number => at + i * IOVEC_BYTES + 8;
    for (let i = 0; i < count; i++) total += this.#space.readBigUInt64LE(lengthAt(i));
    let left = total > 1n ? total / 2n : total;
    for (let i = 0; i < count; i++) {
      const length = this.#space.readBigUInt64LE(lengthAt(i));
      const taken = length < left ? length : left;
      this.#space.writeBigUInt64LE(taken, lengthAt(i));
      left -= taken;
    }
    return copy;
  }

  #failTls(kind: FaultKind, real: NativeFunction, values: number[]): number {
    const ssl = values[0]!;
    const fd = this.#sslDescriptors.get(ssl);
    if (fd === undefined) return real(...values);
    if (kind === "short") {
      const result = real(ssl, values[1]!, partOf(values[2]!, false));
      this.#edgeAgain(fd);
      return result;
    }
    const bio = this.#call("SSL_get_rbio", ssl);
    const [other, peer] = this.#pair();
    if (kind === "EPIPE") this.#call("close", peer);
    else this.#fill(other);
    this.#call("BIO_int_ctrl", bio, BIO_C_SET_FD, 0, other);
    const result = real(...values);
    const errno = this.#errno![0]!;
    this.#call("BIO_int_ctrl", bio, BIO_C_SET_FD, 0, fd);
    this.#call("close", other);
    if (kind !== "EPIPE") this.#call("close", peer);
    this.#errno![0] = errno;
    this.#edgeAgain(fd);
    return result;
  }

  /** So that writing finds no room, and reading nothing. */
  #fill(fd: number): void {
    const address = this.#addressOf(this.#space);
    while (this.#call("write", fd, address, this.#space.byteLength) > 0);
    while (this.#call("write", fd, address, 1) > 0);
  }

  #pair(): [number, number] {
    const words = Buffer.allocUnsafeSlow(64);
    this.#call("socketpair", AF_UNIX, SOCK_STREAM_NONBLOCK, 0, this.#addressOf(words));
    return [words.readInt32LE(0), words.readInt32LE(4)];
  }

  #edgeAgain(fd: number): void {
    const registration = this.#registrations.get(fd);
    if (registration === undefined) return;
    const errno = this.#errno![0]!;
    const { epollFd, event } = registration;
    this.#call("epoll_ctl", epollFd, EPOLL_CTL.change, fd, this.#addressOf(event));
    this.#errno![0] = errno;
  }

  #call(name: string, ...values: number[]): number {
    return this.#real.get(name)!(...values);
  }

  #addressOf(bytes: Uint8Array): number {
    return Number(this.#koffi.address(bytes));
  }
}

/** Half of it; of what is received one byte, since much less than what was asked for may be there. */
function partOf(length: number, isRead: boolean): number {
  return isRead ? 1 : Math.max(1, Math.floor(length / 2));
}

function nameIn(definition: string): string {
  return /(\w+)\s*\(/.exec(definition)![1]!;
}

const require = createRequire(import.meta.resolve("@tz/sys"));

export const kernel = new FaultyKernel(require("koffi") as Koffi);
