import type { App } from "../app.js";
import { ServerError } from "../errors.js";
import { bytes, json, text } from "../handlers/reply.js";
import type { ServerRequest } from "../request.js";
import type { Handler } from "../server-core.js";
import { EXPOSITION_TYPES, type ExpositionFormat, exposition } from "./exposition.js";
import { isLocal } from "./local-only.js";

/** Answers whether something that the server needs is there. */
export type ReadyCheck = () => unknown;

export interface MonitoringOptions {
  /** Where metrics are told; `false` for nowhere. The server needs the option `stats`. Default `"/metrics"`. */
  readonly metrics?: string | false;
  /** Where the server says that it lives. Default `"/health"`. */
  readonly health?: string | false;
  /** Where the server says whether requests may be sent to it. Default `"/ready"`. */
  readonly ready?: string | false;
  /** Who may ask; others are answered 403. `"local"`: clients on this machine (see {@link isLocal}). Default `"local"`. */
  readonly allow?: "local" | "all" | ((request: ServerRequest) => boolean);
  /** The server that is told of, when another one (for administrators only) tells. */
  readonly of?: App;
  /** What else must hold for `ready`: a check that throws, rejects, answers `false` or takes too long does not. */
  readonly checks?: Readonly<Record<string, ReadyCheck>>;
  /** Default 2000. */
  readonly checkTimeoutMs?: number;
  /** A registry of prom-client: its metrics follow the server's own. */
  readonly registry?: MetricsRegistry;
}

/** What of prom-client's `Registry` is used. */
export interface MetricsRegistry {
  metrics(): string | Promise<string>;
  readonly contentType: string;
}

const NO_STORE = ["Cache-Control", "no-store"];
const CHECK_TIMEOUT_MS = 2000;
const UNAVAILABLE = 503;

/**
 * Adds routes that tell operators how a server does.
 *
 * ```js
 * monitoring(app);                                    // for this machine only
 * monitoring(admin, { of: app, allow: "all" });       // on a listener of its own
 * ```
 * @throws ServerError `TZ_SERVER_OPTION`
 */
export function monitoring(app: App, options: MonitoringOptions = {}): void {
  const { metrics = "/metrics", health = "/health", ready = "/ready", of = app, allow = "local" } = options;
  if (allow !== "local" && allow !== "all" && typeof allow !== "function") {
    throw new ServerError("TZ_SERVER_OPTION", `allow is ${String(allow)}; allowed: local, all, a function`);
  }
  const mayAsk = allow === "all" ? () => true : allow === "local" ? isLocal : allow;
  const add = (pattern: string | false, handler: Handler): void => {
    if (pattern === false) return;
    app.get<string>(pattern, (request) =>
      mayAsk(request)
        ? handler(request)
        : text("This is told to clients on the server's own machine only.\n", {
            status: 403,
            fields: NO_STORE,
          }),
    );
  };
  add(metrics, metricsHandler(of, options.registry));
  add(health, () => json({ status: "ok" }, { fields: NO_STORE }));
  add(ready, readyHandler(of, options));
}

function metricsHandler(app: App, registry: MetricsRegistry | undefined): Handler {
  return async (request) => {
    const { total, byWorker } = app.stats();
    if (total === undefined || byWorker === undefined) {
      return text("The server does not count: createServer({ stats: true }).\n", {
        status: UNAVAILABLE,
        fields: NO_STORE,
      });
    }
    const format = formatFor(request.field("accept"), registry);
    // prom-client ends OpenMetrics by itself; there is one end.
    const more = registry === undefined ? "" : (await registry.metrics()).replace(/# EOF\n?$/, "");
    const body = Buffer.from(exposition({ total, byWorker }, format, more));
    return bytes(body, { type: EXPOSITION_TYPES[format], fields: NO_STORE });
  };
}

/** A registry writes the one format that it was made for. */
function formatFor(accept: string | undefined, registry: MetricsRegistry | undefined): ExpositionFormat {
  const asked = registry === undefined ? (accept ?? "") : registry.contentType;
  return /\bapplication\/openmetrics-text\b/i.test(asked) ? "openmetrics" : "prometheus";
}

function readyHandler(
  app: App,
  { checks = {}, checkTimeoutMs = CHECK_TIMEOUT_MS }: MonitoringOptions,
): Handler {
  return async () => {
    const found = await Promise.all(
      Object.entries(checks).map(
        async ([name, check]) => [name, await holds(check, checkTimeoutMs)] as const,
      ),
    );
    const isReady = app.ready && found.every(([, ok]) => ok);
    const body = {
      status: isReady ? "ready" : app.ready ? "waiting" : "stopping",
      checks: Object.fromEntries(found),
    };
    return json(body, { status: isReady ? 200 : UNAVAILABLE, fields: NO_STORE });
  };
}

async function holds(check: ReadyCheck, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  try {
    return (await Promise.race([Promise.resolve().then(check), late])) !== false;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
