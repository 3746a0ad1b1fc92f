import type { TLSSocket } from "node:tls";
import type { Connection } from "../connection.js";
import type { EpollTransport } from "../loop/epoll.js";
import type { IoMemory } from "../loop/io-memory.js";
import { publishConnection, publishLimit } from "../observe/connection-channels.js";
import type { ServerCore } from "../server-core.js";
import type { TlsCounts } from "../tls/tls-counts.js";
import { AnswerFields } from "./answer-fields.js";
import { AnswerBlocks } from "./engine/answer-blocks.js";
import { LoopConnection, type LoopHost } from "./engine/loop-connection.js";
import { RequestFields } from "./engine/request-fields.js";
import { FrameOut } from "./frames/frame-out.js";
import { Http2Connection, type Http2Host } from "./http2-connection.js";
import type { ResolvedHttp2 } from "./http2-options.js";

/** Pseudo-fields do not count as fields. */
const PSEUDO_FIELDS = 4;

/**
 * The HTTP/2 connections of one listener: those of the fast loop, where OpenSSL is called on it, and those that
 * `node:http2` carries.
 */
export class Http2Listener implements Http2Host, LoopHost {
  readonly core: ServerCore;
  readonly options: ResolvedHttp2;
  readonly #counts: TlsCounts;
  readonly #connections = new Set<Http2Connection | LoopConnection>();
  readonly out: FrameOut;
  readonly fields: RequestFields;
  readonly blocks = new AnswerBlocks();
  #answers: AnswerFields;

  constructor(core: ServerCore, options: ResolvedHttp2, counts: TlsCounts) {
    this.core = core;
    this.options = options;
    this.#counts = counts;
    this.#answers = new AnswerFields(core.hsts);
    const { memory } = core.loop;
    this.out = frameOutOf(memory);
    this.fields = new RequestFields(
      memory,
      core.options.maxHeadBytes,
      core.options.maxFields + PSEUDO_FIELDS,
    );
  }

  get size(): number {
    return this.#connections.size;
  }

  get answers(): AnswerFields {
    if (this.#answers.hsts !== this.core.hsts) this.#answers = new AnswerFields(this.core.hsts);
    return this.#answers;
  }

  /** Takes a socket that has negotiated `h2`. */
  accept(socket: TLSSocket): void {
    const { addresses } = this.core;
    if (addresses?.add(socket, socket.remoteAddress ?? "") === false) {
      publishLimit("maxConnectionsPerAddress", "closed at once", socket);
      socket.destroy();
      return;
    }
    publishConnection("opened", socket);
    socket.once("close", () => {
      addresses?.remove(socket);
      publishConnection("closed", socket);
    });
    this.#connections.add(new Http2Connection(socket, this));
    this.#counts.http2Sessions++;
  }

  /** Takes a connection of the fast loop that has negotiated `h2`. */
  begin(transport: EpollTransport): void {
    (transport.handler as Connection).leave();
    const connection = new LoopConnection(transport, this);
    transport.handler = connection;
    this.#connections.add(connection);
    this.#counts.http2Sessions++;
    if (this.core.draining) connection.drain();
  }

  onClose(connection: Http2Connection | LoopConnection): void {
    if (this.#connections.delete(connection)) this.#counts.http2Sessions--;
  }

  drain(): void {
    for (const connection of [...this.#connections]) connection.drain();
  }

  /** Cuts what is left. */
  async destroy(): Promise<void> {
    await Promise.all([...this.#connections].map((connection) => connection.destroy()));
  }
}

const outs = new WeakMap<IoMemory, FrameOut>();

/** All listeners of a loop write into one memory. */
function frameOutOf(memory: IoMemory): FrameOut {
  let out = outs.get(memory);
  if (out === undefined) {
    out = new FrameOut(memory);
    outs.set(memory, out);
  }
  return out;
}
