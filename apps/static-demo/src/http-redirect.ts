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
  readonly #target: { handler: Handler };

  private constructor(app: App, address: ListeningAddress, target: { handler: Handler }) {
    this.#app = app;
    this.address = address;
    this.#target = target;
  }

  /**
   * @returns `undefined` when no port was asked for
   * @throws UsageError when it cannot listen
   */
  static async listen(config: Settings): Promise<HttpRedirect | undefined> {
    const { host, loop, tls } = config;
    if (tls?.redirectPort === undefined) return undefined;
    const target = { handler: redirectToHttps() };
    const app = createServer({ loop }).handle((request) => target.handler(request));
    const at = { host: host.includes("/") ? undefined : host, port: tls.redirectPort };
    const address = await app.listen(at).catch((error: unknown) => {
      throw explainListenFailure(error, { ...config, ...at, host }, "--http-redirect");
    });
    return new HttpRedirect(app, address, target);
  }

  /** The port is known once HTTPS listens. 0 (a Unix socket) is the usual one. */
  set securePort(port: number) {
    if (port !== 0) this.#target.handler = redirectToHttps({ port });
  }

  close(options: CloseOptions): Promise<void> {
    return this.#app.close(options);
  }
}
