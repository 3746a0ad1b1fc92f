import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { type OpenSsl, openssl, opensslSupported } from "@tz/sys";
import { ServerError } from "../errors.js";
import type { EpollLoop, EpollTransport } from "../loop/epoll.js";
import type { Loop, SecureLayer, Transport, TransportHandler } from "../loop/loop.js";
import { NodeTransport, type SocketHost } from "../loop/node.js";
import { publishLimit } from "../observe/connection-channels.js";
import type { ClientHello } from "./client-hello.js";
import { HandshakeGate } from "./handshake-gate.js";
import { NodeTls } from "./node-tls.js";
import { OpensslContexts } from "./openssl-contexts.js";
import type { OpensslLayer } from "./openssl-layer.js";
import { rotateEvery, TicketKeys } from "./ticket-keys.js";
import type { TlsCounts } from "./tls-counts.js";
import { type LoadedTls, loadTls, type TlsOptions } from "./tls-options.js";
import { TlsTransport } from "./tls-transport.js";

const HTTP2 = "h2";

/** What a listener needs of its server. */
export interface SecureListenerHost {
  readonly loop: Loop;
  readonly counts: TlsCounts;
  /** A connection speaks HTTP/1.1. */
  accept(transport: Transport): TransportHandler;
  /** A connection speaks HTTP/2; `undefined` when HTTP/2 is off. */
  readonly acceptHttp2: ((socket: TLSSocket) => void) | undefined;
  /** A connection of the loop speaks HTTP/2; `undefined` when `node:http2` is to carry it. */
  readonly beginHttp2?: ((transport: EpollTransport) => void) | undefined;
  /** Of the supervisor, which rotates them. Without, and without `tls.ticketKeys`, the listener does so itself. */
  readonly ticketKeys?: TicketKeys | undefined;
}

/**
 * The TLS of one listener.
 *
 * ```
 *   epoll loop ── descriptor ──▶ TlsTransport (OpenSSL) ──▶ HTTP/2, HTTP/1.1
 *                                     └─ offers h2, engine "node" ──┐
 *   node loop ─── socket ──────────────────────────────────────▶ NodeTls ──▶ HTTP/2, HTTP/1.1
 * ```
 */
export class SecureListener implements SecureLayer, OpensslLayer {
  readonly #host: SecureListenerHost;
  readonly #engine: "openssl" | "node";
  readonly #node: NodeTls | undefined;
  readonly gate: HandshakeGate;
  readonly handshakeTimeoutMs: number;
  #options: TlsOptions;
  #tls: LoadedTls;
  #keys: TicketKeys;
  #contexts: OpensslContexts | undefined;
  #rotation: NodeJS.Timeout | undefined;

  /** @throws ServerError `TZ_SERVER_OPTION`, `TZ_SERVER_LOOP_UNSUPPORTED` */
  constructor(options: TlsOptions, host: SecureListenerHost) {
    this.#host = host;
    this.#options = options;
    this.#tls = loadTls(options);
    this.#engine = chooseEngine(this.#tls, host.loop);
    this.#keys = this.#tls.ticketKeys ?? host.ticketKeys ?? TicketKeys.random();
    this.handshakeTimeoutMs = this.#tls.handshakeTimeoutMs;
    this.gate = new HandshakeGate(this.#tls.handshakesPerSecond, this.handshakeTimeoutMs);
    if (this.#engine === "openssl")
      this.#contexts = new OpensslContexts(this.#tls, this.#keys, this.#carriesHttp2);
    const http2 = host.acceptHttp2 !== undefined;
    if (this.#engine === "node" || (http2 && !this.#carriesHttp2)) {
      this.#node = new NodeTls(this.#tls, this.#keys, http2, host.counts, (socket) => this.#onSecure(socket));
    }
    if (this.#tls.ticketKeys === undefined && host.ticketKeys === undefined) {
      this.#rotation = rotateEvery(this.#tls.ticketRotationS, () => this.rotateKeys());
    }
  }

  get openssl(): OpenSsl {
    return openssl();
  }

  /** The value of `Strict-Transport-Security`, if answers carry it. */
  get hsts(): string | undefined {
    return this.#tls.hsts;
  }

  get counts(): TlsCounts {
    return this.#host.counts;
  }

  get contexts(): OpensslContexts {
    return this.#contexts!;
  }

  /**
   * Reads the files again, or takes other options; connections that are open keep what they have. On an error
   * everything stays as it was.
   * @throws ServerError `TZ_SERVER_OPTION`
   */
  reload(options: Partial<TlsOptions> = {}): void {
    const merged = { ...this.#options, ...options };
    const tls = loadTls(merged);
    const keys = options.ticketKeys === undefined ? this.#keys : tls.ticketKeys!;
    this.#use(tls, keys);
    this.#options = merged;
    if (options.ticketKeys !== undefined) clearInterval(this.#rotation);
  }

  /** Whether its ticket keys are given by the options, and rotated by who gave them. */
  get hasGivenKeys(): boolean {
    return this.#tls.ticketKeys !== undefined;
  }

  /** A fresh key for tickets; the one before is read still. */
  rotateKeys(): void {
    this.#use(this.#tls, this.#keys.rotated());
  }

  /** Keys that the supervisor made. */
  replaceKeys(keys: TicketKeys): void {
    if (!this.hasGivenKeys) this.#use(this.#tls, keys);
  }

  #use(tls: LoadedTls, keys: TicketKeys): void {
    const contexts =
      this.#engine === "openssl" ? new OpensslContexts(tls, keys, this.#carriesHttp2) : undefined;
    try {
      this.#node?.update(tls, keys);
    } catch (error) {
      contexts?.free();
      throw error;
    }
    this.#contexts?.free();
    this.#contexts = contexts;
    this.#tls = tls;
    this.#keys = keys;
  }

  /** No more handshakes; what is open goes on. */
  close(): void {
    clearInterval(this.#rotation);
    this.#contexts?.free();
    this.#contexts = undefined;
  }

  // ---------------------------------------------------------------- from the loops

  openDescriptor(loop: EpollLoop, fd: number): EpollTransport | undefined {
    if (this.#engine === "openssl") return new TlsTransport(loop, fd, this);
    this.acceptSocket(loop.adopt(fd));
    return undefined;
  }

  acceptSocket(socket: Socket): void {
    const waitMs = this.gate.enter(this.#host.loop.nowMs);
    if (waitMs < 0) {
      publishLimit("handshakesPerSecond", "the handshake would wait too long: closed", socket);
      this.counts.refused(socket);
      socket.destroy();
    } else if (waitMs > 0) {
      const timer = setTimeout(() => this.#node!.take(socket), waitMs);
      socket.once("close", () => clearTimeout(timer));
    } else {
      this.#node!.take(socket);
    }
  }

  handsOver(hello: ClientHello): boolean {
    const { acceptHttp2, beginHttp2 } = this.#host;
    return acceptHttp2 !== undefined && beginHttp2 === undefined && hello.protocols.includes(HTTP2);
  }

  begin(transport: TlsTransport): void {
    this.#host.beginHttp2?.(transport);
  }

  /** HTTP/2 stays on the loop. */
  get #carriesHttp2(): boolean {
    return this.#host.beginHttp2 !== undefined;
  }

  /** Has passed the gate already. */
  handOver(transport: TlsTransport, hello: ClientHello): void {
    const loop = this.#host.loop as EpollLoop;
    this.#node!.take(loop.adopt(transport.detach()), hello);
  }

  #onSecure(socket: TLSSocket): void {
    const { acceptHttp2, loop } = this.#host;
    if (socket.alpnProtocol === HTTP2 && acceptHttp2 !== undefined) {
      acceptHttp2(socket);
      return;
    }
    loop.refreshClock();
    const transport = new NodeTransport(loop as unknown as SocketHost, socket);
    transport.handler = this.#host.accept(transport);
  }
}

function chooseEngine({ engine }: LoadedTls, loop: Loop): "openssl" | "node" {
  const support = opensslSupported();
  if (loop.kind === "epoll" && support.supported) return engine === "node" ? "node" : "openssl";
  if (engine !== "openssl") return "node";
  const why = loop.kind !== "epoll" ? "the loop is not epoll" : support.supported ? "" : support.reason;
  throw new ServerError("TZ_SERVER_LOOP_UNSUPPORTED", `tls.engine "openssl" cannot run here: ${why}`);
}
