import type { Transport, TransportHandler } from "../loop/loop.js";
import type { ServerCore } from "../server-core.js";
import { type ProxyHeader, parseProxyHeader } from "./proxy-header.js";

/** A header comes in the first packet; a peer that dawdles is none. */
const TIMEOUT_MS = 5000;

/**
 * What a connection is until its PROXY header is read. Nothing is answered to a peer that sends none: it is closed, as
 * the specification demands.
 */
export class ProxyPreamble implements TransportHandler {
  readonly #transport: Transport;
  readonly #core: ServerCore;
  readonly #begin: (header: ProxyHeader) => TransportHandler;
  readonly #timer: NodeJS.Timeout;
  #bytes: Buffer = Buffer.alloc(0);

  /** @param begin makes the handler that takes the transport over */
  constructor(transport: Transport, core: ServerCore, begin: (header: ProxyHeader) => TransportHandler) {
    this.#transport = transport;
    this.#core = core;
    this.#begin = begin;
    this.#timer = setTimeout(() => transport.destroy(), TIMEOUT_MS).unref();
  }

  /** The server stops: nothing was asked yet. */
  stop(): void {
    this.#transport.destroy();
  }

  onData(start: number, end: number): void {
    const { bytes, receiveStart } = this.#core.loop.memory;
    this.#bytes = Buffer.concat([this.#bytes, bytes.subarray(start, end)]);
    const header = parseProxyHeader(this.#bytes);
    if (header === 0) return;
    if (header === -1) {
      this.#transport.destroy();
      return;
    }
    clearTimeout(this.#timer);
    const handler = this.#begin(header);
    this.#transport.handler = handler;
    const rest = this.#bytes.subarray(header.byteLength);
    if (rest.byteLength === 0) return;
    bytes.set(rest, receiveStart);
    handler.onData(receiveStart, receiveStart + rest.byteLength);
  }

  onEnd(): void {
    this.#transport.destroy();
  }

  onWritable(): void {}

  onClose(): void {
    this.#core.observer?.disconnected();
    this.#core.addresses?.remove(this.#transport);
    clearTimeout(this.#timer);
  }
}
