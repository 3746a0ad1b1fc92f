import type { TLSSocket } from "node:tls";
import { publishConnection, publishLimit } from "../observe/connection-channels.js";
import type { ServerCore } from "../server-core.js";
import type { TlsCounts } from "../tls/tls-counts.js";
import { AnswerFields } from "./answer-fields.js";
import { Http2Connection, type Http2Host } from "./http2-connection.js";
import type { ResolvedHttp2 } from "./http2-options.js";

/** The HTTP/2 connections of one listener. */
export class Http2Listener implements Http2Host {
  readonly core: ServerCore;
  readonly options: ResolvedHttp2;
  readonly #counts: TlsCounts;
  readonly #connections = new Set<Http2Connection>();
  #answers: AnswerFields;

  constructor(core: ServerCore, options: ResolvedHttp2, counts: TlsCounts) {
    this.core = core;
    this.options = options;
    this.#counts = counts;
    this.#answers = new AnswerFields(core.hsts);
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

  onClose(connection: Http2Connection): void {
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
