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
import { ServerNames } from "./server-names.js";
import type { TicketKeys } from "./ticket-keys.js";
import type { TlsCounts } from "./tls-counts.js";
import { GROUPS, type LoadedTls } from "./tls-options.js";

const SSL_OP_NO_RENEGOTIATION = 2 ** 30;

/**
 * TLS by `node:tls`, on sockets that others accepted: on the node loop, for HTTP/2, and where the executable does not
 * export its OpenSSL. Same options, same outcome as the OpenSSL engine, except that only the newest ticket key is read.
 */
export class NodeTls {
  readonly #server: Server;
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
    this.#tls = tls;
    this.#server = createServer({
      ...contextOptions(tls, 0, keys),
      ALPNProtocols: http2 ? ["h2", "http/1.1"] : ["http/1.1"],
      SNICallback: (name, done) => {
        const place = this.#names.find(name.toLowerCase());
        done(null, place === 0 ? undefined : this.#contexts[place]);
      },
      handshakeTimeout: tls.handshakeTimeoutMs,
      requestCert: tls.clientCertificate !== "off",
      rejectUnauthorized: tls.clientCertificate === "required",
      ticketKeys: keys.forNode,
    });
    this.update(tls, keys);
    this.#server.on("OCSPRequest", (der: Buffer, _issuer: Buffer, done) => {
      const found = this.#tls.certificates.find((each) => Buffer.compare(each.der, der) === 0);
      done(null, found?.ocsp === undefined ? (null as unknown as Buffer) : Buffer.from(found.ocsp));
    });
    this.#server.on("secureConnection", (socket) => {
      // "optional" means that there may be none, not that anybody's is good.
      const shown = tls.clientCertificate === "optional" && socket.getPeerX509Certificate() !== undefined;
      if (shown && !socket.authorized) {
        counts.refused();
        socket.destroy();
        return;
      }
      counts.completed(socket.isSessionReused());
      socket.allowHalfOpen = socket.alpnProtocol !== "h2";
      onSecure(socket);
    });
    this.#server.on("tlsClientError", (_error, socket) => {
      counts.refused();
      socket.destroy();
    });
  }

  /** Takes a socket through the handshake. */
  take(socket: Socket): void {
    socket.on("error", () => {});
    // Who ends in the middle of the handshake is gone. Half-closing is for requests.
    socket.allowHalfOpen = false;
    this.#server.emit("connection", socket);
  }

  /** New handshakes use these from now on. */
  update(tls: LoadedTls, keys: TicketKeys): void {
    this.#tls = tls;
    this.#server.setSecureContext(contextOptions(tls, 0, keys));
    this.#server.setTicketKeys(keys.forNode);
    this.#contexts = tls.certificates.map((_, place) =>
      createSecureContext(contextOptions(tls, place, keys)),
    );
    this.#names = new ServerNames(tls.names);
  }
}

function contextOptions(tls: LoadedTls, place: number, keys: TicketKeys): SecureContextOptions {
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
    ticketKeys: keys.forNode,
    // A session of another certificate, or of another rule for clients, is not resumed here.
    sessionIdContext: identity.digest("hex").slice(0, 32),
  };
}
