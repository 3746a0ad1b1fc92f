import { type App, createServer, type ListeningAddress } from "@tz/server";
import { explainListenFailure } from "./listen-failure.js";
import { addMonitoring } from "./monitoring.js";
import type { Settings } from "./settings.js";

/** The listener for operators: open to whoever can connect to it, closed last. */
export class AdminListener {
  readonly address: ListeningAddress;
  readonly #app: App;

  private constructor(app: App, address: ListeningAddress) {
    this.#app = app;
    this.address = address;
  }

  /**
   * @param of the server that is told of
   * @returns `undefined` when none was asked for
   * @throws UsageError when it cannot listen
   */
  static async listen({ loop, monitoring }: Settings, of: App): Promise<AdminListener | undefined> {
    if (monitoring.admin === undefined) return undefined;
    const app = createServer({ loop });
    // On a loopback address pages of other sites could ask under a name of theirs.
    const allow = /^(127\.|::1$|localhost$)/.test(monitoring.admin.host) ? "local" : "all";
    addMonitoring(app, monitoring, { of, allow });
    const address = await app.listen(monitoring.admin).catch((error: unknown) => {
      throw explainListenFailure(error, { ...monitoring.admin!, loop }, "--admin");
    });
    return new AdminListener(app, address);
  }

  close(): Promise<void> {
    return this.#app.close({ timeoutMs: 0 });
  }
}
