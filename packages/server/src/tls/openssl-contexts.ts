import type { ClientHello } from "./client-hello.js";
import { OpensslContext } from "./openssl-context.js";
import { ServerNames } from "./server-names.js";
import { type TicketKeys, ticketKeyName } from "./ticket-keys.js";
import type { LoadedTls } from "./tls-options.js";

/**
 * The contexts of a listener: one for each certificate and ticket key. OpenSSL would ask a callback for every ticket
 * which of several keys to take; here the ClientHello was read before, and the key's name in its ticket chooses the
 * context. Only those for the key before ask, so that their clients get tickets of the newest.
 *
 * ```
 *                      newest key   key before
 *   default               [0]          [0]
 *   example.com           [1]          [1]
 * ```
 */
export class OpensslContexts {
  readonly #names: ServerNames;
  readonly #current: OpensslContext[];
  readonly #previous: OpensslContext[];
  readonly #previousKeyName: string | undefined;

  /**
   * @param http2 whether `h2` is chosen where a client offers it
   * @throws ServerError `TZ_SERVER_OPTION`
   */
  constructor(tls: LoadedTls, keys: TicketKeys, http2: boolean) {
    this.#names = new ServerNames(tls.names);
    this.#current = [];
    this.#previous = [];
    const { previous } = keys;
    try {
      for (const certificate of tls.certificates) {
        this.#current.push(new OpensslContext(certificate, tls, keys, "current", http2));
        if (previous !== undefined)
          this.#previous.push(new OpensslContext(certificate, tls, keys, "previous", http2));
      }
    } catch (error) {
      this.free();
      throw error;
    }
    this.#previousKeyName = previous && ticketKeyName(previous);
  }

  /** The `SSL_CTX` for a client. */
  choose(hello: ClientHello | undefined): number {
    if (hello === undefined) return this.#current[0]!.handle;
    const place = this.#names.find(hello.serverName);
    const contexts = hello.ticketKeyName === this.#previousKeyName ? this.#previous : this.#current;
    return contexts[place]!.handle;
  }

  free(): void {
    for (const context of [...this.#current, ...this.#previous]) context.free();
  }
}
