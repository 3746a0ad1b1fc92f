import {
  type App,
  type CloseOptions,
  createServer,
  type Handler,
  type ListeningAddress,
  redirectToHttps,
} from "@tz/server";
import { explainListenFailure } from "./listen-failure.js";
import type { Settings } from "./settings.js";

/** The listener that sends everybody to HTTPS. */
export class HttpRedirect {
  readonly address: ListeningAddress;
  readonly #app: App;
  readonly #secureIs: (port: number) => void;

  private constructor(app: App, address: ListeningAddress, secureIs: (port: number) => void) {
    this.#app = app;
    this.address = address;
    this.#secureIs = secureIs;
  }

  /**
   * @returns `undefined` when no port was asked for
   * @throws UsageError when it cannot listen
   */
  static async listen(config: Settings): Promise<HttpRedirect | undefined> {
    const { host, loop, tls } = config;
    if (tls?.redirectPort === undefined) return undefined;
    let handler: Handler | undefined;
    let secureIs = (_port: number): void => {};
    // Who comes before HTTPS listens (to a socket that another process handed over) waits for its port.
    const known = new Promise<Handler>((resolve) => {
      secureIs = (port) => {
        // 0 (a Unix socket) is the usual one.
        handler = redirectToHttps(port === 0 ? {} : { port });
        resolve(handler);
      };
    });
    const app = createServer({ loop }).handle(
      (request) => handler?.(request) ?? known.then((later) => later(request)),
    );
    const at = { host: host.includes("/") ? undefined : host, port: tls.redirectPort };
    const address = await app.listen(at).catch((error: unknown) => {
      throw explainListenFailure(error, { ...config, ...at, host }, "--http-redirect");
    });
    return new HttpRedirect(app, address, secureIs);
  }

  /** The port is known once HTTPS listens. */
  set securePort(port: number) {
    this.#secureIs(port);
  }

  close(options: CloseOptions): Promise<void> {
    return this.#app.close(options);
  }
}
