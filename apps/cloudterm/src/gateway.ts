import { readdirSync } from "node:fs";
import { type App, createServer } from "@tz/server";
import { staticMount } from "@tz/static";
import type { Config } from "./config/config-table.js";
import { type GatewayParts, makeParts } from "./gateway-parts.js";
import { errorAnswer, reply } from "./replies.js";
import { guard } from "./request-guard.js";
import { addAccountRoutes } from "./routes/account-routes.js";
import { addAdminRoutes } from "./routes/admin-routes.js";
import { addFileRoutes } from "./routes/file-routes.js";
import { addLoginRoutes, PUBLIC_LOGIN_PATHS } from "./routes/login-routes.js";
import { addOidcRoutes, PUBLIC_OIDC_PATHS } from "./routes/oidc-routes.js";
import { addPasskeyRoutes, PUBLIC_PASSKEY_PATHS } from "./routes/passkey-routes.js";
import { addRecordingRoutes } from "./routes/recording-routes.js";
import { addStatusRoutes, PUBLIC_STATUS_PATHS } from "./routes/status-routes.js";
import { addTerminalRoutes, PUBLIC_TERMINAL_PATHS } from "./routes/terminal-routes.js";
import { SessionWatch } from "./session-watch.js";

/** No request of a page is larger. */
const BODY_BYTES_MAX = 64 * 1024;
const DRAIN_MS = 2000;
/** Addresses that are this machine's own to listen on, and nobody's to connect to. */
const WILDCARDS = new Set(["0.0.0.0", "::"]);

/** A gateway that listens. */
export class Gateway {
  readonly parts: GatewayParts;
  readonly #app: App;
  readonly #watch: SessionWatch;
  /** With a slash at its end. */
  readonly url: string;

  private constructor(parts: GatewayParts, app: App, watch: SessionWatch, url: string) {
    this.parts = parts;
    this.#app = app;
    this.#watch = watch;
    this.url = url;
  }

  /**
   * @param web directory of the built front end
   * @throws UsageError, and what {@link App.listen} throws
   */
  static async start(config: Config, web: string): Promise<Gateway> {
    const parts = await makeParts(config);
    const watch = new SessionWatch(parts);
    const { basePath: base, trustedProxies, tlsCert, tlsKey, host, port } = config;
    const app = createServer({
      loop: config.loop as "auto",
      trustedProxies,
      maxBodyBytes: BODY_BYTES_MAX,
    });
    const isPublic = publicPaths(base, web);
    app.onRequest((request) => {
      parts.metrics.count("requests");
      return guard(parts, request, isPublic);
    });
    app.onError((error, request, status) => {
      if (status === 500 || request === undefined) console.error(error);
      return request === undefined ? undefined : errorAnswer(parts, error, status);
    });
    addLoginRoutes(app, parts, base);
    addAccountRoutes(app, parts, base);
    addPasskeyRoutes(app, parts, base);
    if (parts.oidc !== undefined) addOidcRoutes(app, parts, base, parts.oidc);
    addTerminalRoutes(app, parts, base, watch);
    addFileRoutes(app, parts, base);
    addRecordingRoutes(app, parts, base);
    addAdminRoutes(app, parts, base);
    addStatusRoutes(app, parts, base);
    app.mount(
      staticMount(base === "" ? "/" : base, web, {
        headers: { "**": Object.fromEntries(pairs(parts.fields)) },
        cacheControl: "no-cache",
      }),
    );
    app.handle(() => reply(parts, { error: "NOT_FOUND", message: "there is nothing here" }, { status: 404 }));
    try {
      const tls = tlsCert === "" ? {} : { tls: { cert: tlsCert, key: tlsKey } };
      const address = await app.listen({ host: host.replace(/^\[(.*)\]$/, "$1"), port, ...tls });
      const name = address.host.includes(":") ? `[${address.host}]` : address.host;
      const url = `${tlsCert === "" ? "http" : "https"}://${name}:${address.port}${base}/`;
      const internal = config.internalUrl || (WILDCARDS.has(address.host) ? "" : url);
      await parts.peers?.start(internal);
      if (internal === "" && parts.peers !== undefined)
        console.error("Other gateways cannot show the terminals of this one: set --internal-url.");
      return new Gateway(parts, app, watch, url);
    } catch (error) {
      watch.close();
      await parts.close();
      throw error;
    }
  }

  /** Ends terminals and connections. Sessions stay: whoever was logged in still is when it starts again. */
  async close(): Promise<void> {
    this.#watch.close();
    await this.parts.close();
    await this.#app.close({ timeoutMs: DRAIN_MS });
  }
}

/** What needs no session, by its exact spelling. */
function publicPaths(base: string, web: string): (path: string) => boolean {
  const open = [
    ...PUBLIC_LOGIN_PATHS,
    ...PUBLIC_PASSKEY_PATHS,
    ...PUBLIC_OIDC_PATHS,
    ...PUBLIC_TERMINAL_PATHS,
  ];
  const api = open.map((path) => `${base}/api/${path}`);
  const files = readdirSync(web, { recursive: true }).map((name) => `${base}/${String(name)}`);
  const paths = new Set([
    ...api,
    ...files,
    ...PUBLIC_STATUS_PATHS.map((path) => `${base}/${path}`),
    `${base}/`,
    base,
  ]);
  return (path) => paths.has(path);
}

function* pairs(flat: readonly string[]): Iterable<[string, string]> {
  for (let i = 0; i < flat.length; i += 2) yield [flat[i]!, flat[i + 1]!];
}
