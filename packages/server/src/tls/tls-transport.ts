import { WheelTimer } from "@tz/alloc";
import {
  copyFromOpenssl,
  copyMemory,
  EPOLLERR,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  MSG_PEEK,
  type OpenSsl,
  pread,
  recv,
  SSL_ERROR_SSL,
  SSL_ERROR_SYSCALL,
  SSL_ERROR_WANT_READ,
  SSL_ERROR_WANT_WRITE,
  SSL_ERROR_ZERO_RETURN,
} from "@tz/sys";
import { type EpollLoop, EpollTransport } from "../loop/epoll.js";
import type { SendBatch } from "../loop/send-batch.js";
import { publishLimit } from "../observe/connection-channels.js";
import {
  type ClientHello,
  HELLO_INCOMPLETE,
  HELLO_UNREADABLE,
  MAX_HELLO_BYTES,
  parseClientHello,
} from "./client-hello.js";
import type { OpensslLayer } from "./openssl-layer.js";
import { readPeerCertificate } from "./peer-certificate.js";

const HTTP2 = "h2";
/** Where OpenSSL writes the length of a protocol's name: behind its address. */
const ALPN_LENGTH_OFFSET = 8;
const ALPN_NAME_OFFSET = 16;

const EAGAIN = 11;
const EPIPE = 32;
const EPROTO = 71;
const ECONNRESET = 104;
const ETIMEDOUT = 110;
const ECONNREFUSED = 111;

/** The most that one record carries (RFC 8446 §5.1): OpenSSL takes so much at a time. */
const RECORD_BYTES = 16_384;
/**
 * When less than this was read since the socket was last found empty, every read(2) of it was shorter than OpenSSL's
 * buffer (16 KiB and a little, of which less than this was in use), so the last one emptied the socket.
 */
const SHORT_READ_BYTES = 8192;

// States, in order.
/** Waits for the ClientHello, which is looked at and left in the socket. There is no SSL object yet. */
const HELLO = 0;
/** Waits for its turn. */
const WAITING = 1;
const HANDSHAKE = 2;
const OPEN = 3;
/** `close_notify` did not fit into the socket yet. */
const SHUTTING = 4;
/** `close_notify` is out; what comes is still read. */
const SHUT = 5;
/** OpenSSL must not be asked again. */
const BROKEN = 6;

/** What only a connection that is not open yet needs. */
class Opening extends WheelTimer {
  readonly transport: TlsTransport;
  hello: ClientHello | undefined;
  deadlineMs = 0;
  /** The peer's end came already. */
  hangUp = 0;
  /** Somebody wants to write. */
  writeAwaited = false;

  constructor(transport: TlsTransport) {
    super((timer) => (timer as Opening).transport.onOpeningTimer());
    this.transport = transport;
  }
}

/**
 * A connection of the epoll loop that speaks TLS: OpenSSL reads from and writes to the socket itself (`SSL_set_fd`),
 * plain bytes lie in the loop's memory.
 *
 * ```
 *   accept ──▶ HELLO ──▶ WAITING ──▶ HANDSHAKE ──▶ OPEN ──▶ SHUTTING
 *              peek       gate         SSL_do_handshake  SSL_read/SSL_write   close_notify
 *               └──▶ offers h2, and node:http2 is to carry it: the descriptor goes to node:tls
 * ```
 *
 * A record that the socket does not take is kept by OpenSSL and was not taken, as far as the connection knows: it comes
 * with the same bytes again, and those that OpenSSL has sent meanwhile are its credit.
 */
export class TlsTransport extends EpollTransport {
  readonly #loop: EpollLoop;
  readonly #layer: OpensslLayer;
  readonly #openssl: OpenSsl;
  #opening: Opening | null;
  #ssl = 0;
  #bio = 0;
  #state = HELLO;
  /** Plain bytes of the record that OpenSSL keeps. */
  #owed = 0;
  /** Of bytes that come again: how many have been sent. */
  #credit = 0;
  #bytesRead = 0;
  /** Reading waits for room to write. */
  #readWantsWrite = false;

  constructor(loop: EpollLoop, fd: number, layer: OpensslLayer) {
    super(loop, fd);
    this.#loop = loop;
    this.#layer = layer;
    this.#openssl = layer.openssl;
    const opening = new Opening(this);
    this.#opening = opening;
    opening.deadlineMs = loop.nowMs + layer.handshakeTimeoutMs;
    loop.timers.schedule(opening, layer.handshakeTimeoutMs);
  }

  get secure(): boolean {
    return true;
  }

  /** The client's certificate as DER. */
  get peerCertificate(): Uint8Array | undefined {
    return this.#state === OPEN ? readPeerCertificate(this.#ssl) : undefined;
  }

  override onEvents(events: number): void {
    if (this.#state === OPEN) {
      if (this.#readWantsWrite && (events & EPOLLOUT) !== 0) {
        this.#readWantsWrite = false;
        events |= EPOLLIN;
      }
      super.onEvents(events);
      return;
    }
    const opening = this.#opening;
    if (opening === null) {
      if ((events & EPOLLOUT) !== 0 && this.#state === SHUTTING) this.#closeNotify();
      super.onEvents(events);
      return;
    }
    opening.hangUp |= events & EPOLLRDHUP;
    if ((events & (EPOLLERR | EPOLLHUP)) !== 0) this.#fail(ECONNRESET);
    else this.#open(opening);
  }

  /** Its turn has come, or its time is over. */
  onOpeningTimer(): void {
    const opening = this.#opening;
    if (opening === null || this.closed) return;
    if (this.#loop.nowMs >= opening.deadlineMs) {
      this.#fail(ETIMEDOUT);
      return;
    }
    this.#loop.timers.schedule(opening, opening.deadlineMs - this.#loop.nowMs);
    if (this.#state === WAITING) this.#begin(opening);
  }

  // ---------------------------------------------------------------- opening

  #open(opening: Opening): void {
    if (this.#state === HELLO) this.#readHello(opening);
    else if (this.#state === HANDSHAKE) this.#handshake(opening);
  }

  #readHello(opening: Opening): void {
    const { base, memory } = this.#loop;
    const length = recv(this.fd, base + memory.receiveStart, MAX_HELLO_BYTES, MSG_PEEK);
    if (length === -EAGAIN) return;
    if (length <= 0) {
      this.#fail(-length);
      return;
    }
    const hello = parseClientHello(memory.bytes, memory.receiveStart, memory.receiveStart + length);
    if (hello === HELLO_INCOMPLETE && length < MAX_HELLO_BYTES) {
      if (opening.hangUp !== 0) this.#fail(0);
      return;
    }
    opening.hello = hello === HELLO_INCOMPLETE || hello === HELLO_UNREADABLE ? undefined : hello;
    const waitMs = this.#layer.gate.enter(this.#loop.nowMs);
    if (waitMs < 0) {
      publishLimit("handshakesPerSecond", "the handshake would wait too long: closed", this);
      this.#fail(ECONNREFUSED);
    } else if (waitMs > 0) {
      this.#state = WAITING;
      this.#loop.timers.schedule(opening, waitMs);
    } else {
      this.#begin(opening);
    }
  }

  #begin(opening: Opening): void {
    const { hello } = opening;
    if (hello !== undefined && this.#layer.handsOver(hello)) {
      this.#endOpening();
      this.#layer.handOver(this, hello);
      return;
    }
    const ssl = this.#openssl;
    this.#ssl = ssl.SSL_new(this.#layer.contexts.choose(hello));
    if (this.#ssl === 0 || ssl.SSL_set_fd(this.#ssl, this.fd) !== 1) {
      this.#fail(EPROTO);
      return;
    }
    this.#layer.counts.sslObjects++;
    this.#bio = ssl.SSL_get_rbio(this.#ssl);
    ssl.SSL_set_accept_state(this.#ssl);
    this.#state = HANDSHAKE;
    this.#handshake(opening);
  }

  #handshake(opening: Opening): void {
    const ssl = this.#openssl;
    ssl.ERR_clear_error();
    const result = ssl.SSL_do_handshake(this.#ssl);
    if (result !== 1) {
      const error = ssl.SSL_get_error(this.#ssl, result);
      if (error === SSL_ERROR_WANT_READ || error === SSL_ERROR_WANT_WRITE) {
        ssl.ERR_clear_error();
        return;
      }
      ssl.ERR_clear_error();
      this.#fail(error === SSL_ERROR_SYSCALL ? ECONNRESET : EPROTO);
      return;
    }
    this.#layer.counts.completed(ssl.SSL_session_reused(this.#ssl) === 1, this);
    this.#state = OPEN;
    this.#endOpening();
    if (this.#chosenProtocol() === HTTP2) this.#layer.begin(this);
    // What came behind the handshake gives no edge of its own.
    super.onEvents(EPOLLIN | opening.hangUp | (opening.writeAwaited ? EPOLLOUT : 0));
  }

  /** What ALPN came to (RFC 7301); empty when the client did not ask. */
  #chosenProtocol(): string {
    const { base, memory } = this.#loop;
    const { secureStart, bytes, buffer } = memory;
    this.#openssl.SSL_get0_alpn_selected(
      this.#ssl,
      base + secureStart,
      base + secureStart + ALPN_LENGTH_OFFSET,
    );
    const length = bytes[secureStart + ALPN_LENGTH_OFFSET]!;
    if (length === 0) return "";
    const at = Number(buffer.readBigUInt64LE(secureStart));
    copyFromOpenssl(base + secureStart + ALPN_NAME_OFFSET, at, length);
    const name = secureStart + ALPN_NAME_OFFSET;
    return buffer.toString("latin1", name, name + length);
  }

  #endOpening(): void {
    if (this.#opening === null) return;
    this.#loop.timers.cancel(this.#opening);
    this.#opening = null;
  }

  #fail(errno: number): void {
    this.#layer.counts.refused(this);
    this.destroy(errno);
  }

  // ---------------------------------------------------------------- bytes

  protected override receive(address: number, length: number): number {
    if (this.#ssl === 0 || this.#state === BROKEN) return 0;
    const read = this.#openssl.SSL_read(this.#ssl, address, length);
    return read > 0 ? read : this.#afterRead(address, length, read);
  }

  #afterRead(address: number, length: number, read: number): number {
    const ssl = this.#openssl;
    let error = ssl.SSL_get_error(this.#ssl, read);
    if (error === SSL_ERROR_SSL || error === SSL_ERROR_SYSCALL) {
      // The queue of errors is Node's too: one that somebody else left there looks like ours. Ask again without it.
      ssl.ERR_clear_error();
      const again = ssl.SSL_read(this.#ssl, address, length);
      if (again > 0) return again;
      error = ssl.SSL_get_error(this.#ssl, again);
      ssl.ERR_clear_error();
    }
    if (error === SSL_ERROR_WANT_READ) return -EAGAIN;
    if (error === SSL_ERROR_ZERO_RETURN) return 0;
    if (error === SSL_ERROR_WANT_WRITE) {
      this.#readWantsWrite = true;
      return -EAGAIN;
    }
    this.#state = BROKEN;
    return error === SSL_ERROR_SYSCALL ? -ECONNRESET : -EPROTO;
  }

  protected override emptied(received: number): boolean {
    const ssl = this.#openssl;
    const total = ssl.BIO_number_read(this.#bio);
    const taken = total - this.#bytesRead;
    this.#bytesRead = total;
    return taken < SHORT_READ_BYTES && received <= taken && ssl.SSL_has_pending(this.#ssl) === 0;
  }

  override flush(batch: SendBatch, _more: boolean): number {
    const ready = this.#ready();
    if (ready < 0) return ready;
    const { base, memory } = this.#loop;
    const area = base + memory.secureStart;
    const total = batch.byteLength;
    let taken = Math.min(this.#credit, total);
    this.#credit -= taken;
    /** Bytes of the batch to pass over, and bytes gathered for the next record. */
    let skip = taken;
    let gathered = 0;
    for (let i = 0; i < batch.count; i++) {
      let length = batch.lengths[i]!;
      if (skip >= length) {
        skip -= length;
        continue;
      }
      let start = (batch.plans[i] === null ? base : 0) + batch.starts[i]! + skip;
      length -= skip;
      skip = 0;
      const last = i === batch.count - 1;
      while (length > 0) {
        if (gathered === 0 && (last || length >= RECORD_BYTES)) {
          // Enough for whole records, or nothing to be put with it: sent from where it is.
          const whole = last ? length : length - (length % RECORD_BYTES);
          const written = this.#write(start, whole);
          if (written < 0) return written;
          taken += written;
          if (written < whole) return result(taken);
          start += whole;
          length -= whole;
          continue;
        }
        const part = Math.min(length, RECORD_BYTES - gathered);
        copyMemory(area + gathered, start, part);
        gathered += part;
        start += part;
        length -= part;
        if (gathered < RECORD_BYTES && !(last && length === 0)) continue;
        const written = this.#write(area, gathered);
        if (written < 0) return written;
        taken += written;
        if (written < gathered) return result(taken);
        gathered = 0;
      }
    }
    // Every piece but empty ones behind it was gathered.
    if (gathered > 0) {
      const written = this.#write(area, gathered);
      if (written < 0) return written;
      taken += written;
    }
    return result(taken);
  }

  override sendFile(fd: number, offset: number, length: number): number {
    const ready = this.#ready();
    if (ready < 0) return ready;
    if (this.#credit > 0) {
      const taken = Math.min(this.#credit, length);
      this.#credit -= taken;
      return taken;
    }
    const { base, memory } = this.#loop;
    const area = base + memory.secureStart;
    let sent = 0;
    while (sent < length) {
      const read = pread(fd, area, Math.min(length - sent, memory.secureBytes), offset + sent);
      if (read <= 0) return sent > 0 ? sent : read;
      const written = this.#write(area, read);
      if (written < 0) return written;
      sent += written;
      if (written < read) return result(sent);
    }
    return sent;
  }

  /** Pays what is owed. @returns 0, or the negative errno why nothing can be written now */
  #ready(): number {
    if (this.#state !== OPEN) {
      if (this.#opening === null) return -EPIPE;
      this.#opening.writeAwaited = true;
      return -EAGAIN;
    }
    if (this.#owed === 0) return 0;
    // OpenSSL has the bytes already: only their number counts.
    const { base, memory } = this.#loop;
    const written = this.#openssl.SSL_write(this.#ssl, base + memory.secureStart, this.#owed);
    if (written <= 0) return this.#afterWrite(base + memory.secureStart, this.#owed, written);
    this.#credit += written;
    this.#owed -= written;
    return 0;
  }

  /** @returns bytes taken, fewer than `length` when the socket is full; negative errno on failure */
  #write(address: number, length: number): number {
    let done = 0;
    while (done < length) {
      const written = this.#openssl.SSL_write(this.#ssl, address + done, length - done);
      if (written <= 0) {
        const failed = this.#afterWrite(address + done, length - done, written);
        return failed === -EAGAIN ? done : failed;
      }
      done += written;
    }
    return done;
  }

  #afterWrite(address: number, length: number, written: number): number {
    const ssl = this.#openssl;
    let error = ssl.SSL_get_error(this.#ssl, written);
    if (error === SSL_ERROR_SSL || error === SSL_ERROR_SYSCALL) {
      // As in #afterRead. What went through now is credit: the caller comes with these bytes again.
      ssl.ERR_clear_error();
      const again = ssl.SSL_write(this.#ssl, address, length);
      if (again > 0) {
        this.#credit += again;
        this.#owed = 0;
        this.yieldWrite();
        return -EAGAIN;
      }
      error = ssl.SSL_get_error(this.#ssl, again);
      ssl.ERR_clear_error();
    }
    if (error === SSL_ERROR_WANT_WRITE || error === SSL_ERROR_WANT_READ) {
      this.#owed = Math.min(length, RECORD_BYTES);
      return -EAGAIN;
    }
    this.#state = BROKEN;
    return error === SSL_ERROR_SYSCALL ? -EPIPE : -EPROTO;
  }

  // ---------------------------------------------------------------- end

  override shutdown(): void {
    if (this.#state === OPEN) this.#closeNotify();
    else if (this.#state !== SHUTTING && this.#state !== SHUT) this.destroy();
  }

  /** Tells the peer that nothing more comes, then ends the socket's own direction. */
  #closeNotify(): void {
    const ssl = this.#openssl;
    this.#state = SHUTTING;
    ssl.ERR_clear_error();
    const result = ssl.SSL_shutdown(this.#ssl);
    const full = result < 0 && ssl.SSL_get_error(this.#ssl, result) === SSL_ERROR_WANT_WRITE;
    ssl.ERR_clear_error();
    if (full) return;
    this.#state = SHUT;
    super.shutdown();
  }

  override destroy(errno = 0): void {
    if (this.closed) return;
    this.#endOpening();
    this.#free();
    super.destroy(errno);
  }

  #free(): void {
    if (this.#ssl === 0) return;
    this.#openssl.SSL_free(this.#ssl);
    this.#openssl.ERR_clear_error();
    this.#ssl = 0;
    this.#state = BROKEN;
    this.#layer.counts.sslObjects--;
  }
}

function result(taken: number): number {
  return taken > 0 ? taken : -EAGAIN;
}
