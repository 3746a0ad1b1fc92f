import { stopOnSignals } from "@tz/server";
import { isSupported } from "@tz/sys";
import type { ServeConfig } from "../config.js";
import { HeapPages } from "../memory/heap-pages.js";
import { redisStore } from "../redis/redis-store.js";
import { sharedStore } from "../totals/shared-store.js";
import { formatPages } from "../totals/totals.js";
import type { TotalsStore } from "../totals-store.js";
import { UsageError } from "../usage-error.js";
import { challengeApp } from "./challenge-app.js";
import { DRAIN_TIMEOUT_MS } from "./limits.js";
import { explainStartFailure } from "./start-failure.js";
import { Supervisor } from "./supervisor.js";

interface Serving {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * Serves until a signal. Resolves once the server listens and the ready line is out.
 * @throws UsageError for what the caller can put right
 */
export async function serve(config: ServeConfig): Promise<void> {
  const start = config.workers === 1 ? serveHere(config) : serveByWorkers(config);
  const { port, stop } = await start.catch((error: unknown) => {
    throw explainStartFailure(error, config);
  });
  stopOnSignals(stop);
  const host = config.host.includes(":") ? `[${config.host}]` : config.host;
  // The one line on stdout: whoever started us may wait for it and read the port from it.
  console.log(`Listening on http://${host}:${port}/`);
}

/** One worker needs no other process: the totals are in this one's own memory. */
async function serveHere(config: ServeConfig): Promise<Serving> {
  const { host, redis, redisPrefix } = config;
  const store = redis === undefined ? ownStore() : await redisStore(redis, redisPrefix);
  const app = challengeApp(store, "auto");
  const stop = async () => {
    await app.close({ timeoutMs: DRAIN_TIMEOUT_MS });
    await store.close();
  };
  try {
    const { port } = await app.listen({ host, port: config.port });
    return { port, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function ownStore(): TotalsStore {
  const pages = new HeapPages();
  formatPages(pages, 1);
  return sharedStore(pages, 0);
}

async function serveByWorkers(config: ServeConfig): Promise<Serving> {
  const support = isSupported();
  if (!support.supported) {
    throw new UsageError(
      `--workers ${config.workers} does not run here (${support.reason}); --workers 1 runs everywhere`,
    );
  }
  // Told here, once, and not by every worker.
  if (config.redis !== undefined) await (await redisStore(config.redis, config.redisPrefix)).close();
  const supervisor = await Supervisor.start(config);
  return { port: supervisor.port, stop: () => supervisor.stop() };
}
