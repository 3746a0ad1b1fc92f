import { stopOnSignals } from "@tz/server";
import { MemfdPages } from "../memory/memfd-pages.js";
import { redisStore } from "../redis/redis-store.js";
import { sharedStore } from "../totals/shared-store.js";
import { challengeApp } from "./challenge-app.js";
import { DRAIN_TIMEOUT_MS } from "./limits.js";
import { MEMORY_FD, type WorkerListens, type WorkerOrder } from "./worker-process.js";

/** One of several processes that listen on the same port. */
export async function runWorker(order: WorkerOrder): Promise<void> {
  const { host, port, lane, redis, redisPrefix } = order;
  const store =
    redis === undefined ? sharedStore(new MemfdPages(MEMORY_FD), lane) : await redisStore(redis, redisPrefix);
  const app = challengeApp(store, "epoll");
  const address = await app.listen({ host, port, reusePort: true });
  const stop = async () => {
    await app.close({ timeoutMs: DRAIN_TIMEOUT_MS });
    await store.close();
  };
  stopOnSignals(stop);
  // Without its supervisor nobody would replace it or tell it to stop.
  process.once("disconnect", () => void stop().finally(() => process.exit(0)));
  const listens: WorkerListens = { port: address.port };
  process.send?.(listens);
}
