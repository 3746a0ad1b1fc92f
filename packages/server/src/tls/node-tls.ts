import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import {
  createSecureContext,
  createServer,
  type SecureContext,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
} from "node:tls";
import type { ClientHello } from "./client-hello.js";
import { peekHello } from "./peek-hello.js";
import { ServerNames } from "./server-names.js";
import { nodeTicketKey, type TicketKeys, ticketKeyName } from "./ticket-keys.js";
import type { TlsCounts } from "./tls-counts.js";
import { GROUPS, type LoadedTls } from "./tls-options.js";

const SSL_OP_NO_RENEGOTIATION = 2 ** 30;

/**
 * TLS by `node:tls`, on sockets that others accepted: on the node loop, for HTTP/2, and where the executable does not
 * export its OpenSSL. Same options, same outcome as the OpenSSL engine.
 *
 * A server of Node's reads tickets of one key. Once there is a key before the newest, each key has a server of its own,
 * and the key's name in the ClientHello chooses.
 */
export class NodeTls {
  readonly #http2: boolean;
  readonly #counts: TlsCounts;
  readonly #onSecure: (socket: TLSSocket) => void;
  #current!: Server;
  #previous: { readonly keyName: string; readonly server: Server } | undefined;
  #contexts: readonly SecureContext[] = [];
  #names = new ServerNames([]);
  #tls: LoadedTls;

  constructor(
    tls: LoadedTls,
    keys: TicketKeys,
    http2: boolean,
    counts: TlsCounts,
    onSecure: (socket: TLSSocket) => void,
  ) {
    this.#http2 = http2;
    this.#counts = counts;
    this.#onSecure = onSecure;
    this.#tls = tls;
    this.update(tls, keys);
  }

  /**
   * Takes a socket through the handshake.
   * @param hello its ClientHello, when that was read already
   */
  take(socket: Socket, hello?: ClientHello): void {
    socket.on("error", () => {});
    // Who ends in the middle of the handshake is gone. Half-closing is for requests.
    socket.allowHalfOpen = false;
    if (this.#previous === undefined) this.#current.emit("connection", socket);
    else if (hello !== undefined) this.#serverFor(hello).emit("connection", socket);
    else {
      const timeoutMs = this.#tls.handshakeTimeoutMs;
      const onFailure = (): void => {
        this.#counts.refused(socket);
      };
      peekHello(socket, { timeoutMs, onFailure }, (read) => this.#serverFor(read).emit("connection", socket));
    }
  }

  /** New handshakes use these from now on. On an error everything stays as it was. */
  update(tls: LoadedTls, keys: TicketKeys): void {
    const current = this.#makeServer(tls, keys.current);
    const previous = keys.previous && {
      keyName: ticketKeyName(keys.previous),
      server: this.#makeServer(tls, keys.previous),
    };
    this.#contexts = tls.certificates.map((_, place) =>
      createSecureContext(contextOptions(tls, place, keys.current)),
    );
    this.#names = new ServerNames(tls.names);
    this.#current = current;
    this.#previous = previous;
    this.#tls = tls;
  }

  #serverFor(hello: ClientHello | undefined): Server {
    const isPrevious = hello !== undefined && hello.ticketKeyName === this.#previous?.keyName;
    return isPrevious ? this.#previous!.server : this.#current;
  }

  #makeServer(tls: LoadedTls, ticketKey: Uint8Array): Server {
    const server = createServer({
      ...contextOptions(tls, 0, ticketKey),
      ALPNProtocols: this.#http2 ? ["h2", "http/1.1"] : ["http/1.1"],
      SNICallback: (name, done) => {
        const place = this.#names.find(name.toLowerCase());
        done(null, place === 0 ? undefined : this.#contexts[place]);
      },
      handshakeTimeout: tls.handshakeTimeoutMs,
      requestCert: tls.clientCertificate !== "off",
      rejectUnauthorized: tls.clientCertificate === "required",
    });
    server.on("OCSPRequest", (der: Buffer, _issuer: Buffer, done) => {
      const found = this.#tls.certificates.find((each) => Buffer.compare(each.der, der) === 0);
      done(null, found?.ocsp === undefined ? (null as unknown as Buffer) : Buffer.from(found.ocsp));
    });
    server.on("secureConnection", (socket) => this.#secured(socket, tls));
    server.on("tlsClientError", (_error, socket) => {
      this.#counts.refused(socket);
      socket.destroy();
    });
    return server;
  }

  #secured(socket: TLSSocket, tls: LoadedTls): void {
    // "optional" means that there may be none, not that anybody's is good.
    const shown = tls.clientCertificate === "optional" && socket.getPeerX509Certificate() !== undefined;
    if (shown && !socket.authorized) {
      this.#counts.refused(socket);
      socket.destroy();
      return;
    }
    this.#counts.completed(socket.isSessionReused(), socket);
    socket.allowHalfOpen = socket.alpnProtocol !== "h2";
    this.#onSecure(socket);
  }
}

function contextOptions(tls: LoadedTls, place: number, ticketKey: Uint8Array): SecureContextOptions {
  const { chain, key, der } = tls.certificates[place]!;
  const identity = createHash("sha256").update(der).update(tls.clientCertificate).update(tls.ca.join(""));
  return {
    cert: chain.join(""),
    key,
    ...(tls.ca.length > 0 && { ca: [...tls.ca] }),
    minVersion: tls.minVersion,
    ciphers: [tls.ciphersuites, tls.ciphers].filter((list) => list !== "").join(":"),
    ecdhCurve: GROUPS,
    honorCipherOrder: false,
    secureOptions: SSL_OP_NO_RENEGOTIATION,
    sessionTimeout: tls.sessionTimeoutS,
    ticketKeys: nodeTicketKey(ticketKey),
    // A session of another certificate, or of another rule for clients, is not resumed here.
    sessionIdContext: identity.digest("hex").slice(0, 32),
  };
}
