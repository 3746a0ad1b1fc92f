/** A server with two workers that share a cache. argv: the folder. Tells its parent what happens. */
import { createServer, workerInfo } from "@tz/server";
import { staticMount } from "../mount.js";

const mount = staticMount("/", process.argv[2]!, { cache: { bytes: 8 * 1024 * 1024 } });
const app = createServer({ loop: "epoll" });
app.mount(mount);
app.get("/-/worker", () => ({ pid: process.pid, shared: mount.stats.shared }));
const onEvent = (event: object): void => void process.send?.({ event });
const { port } = await app.listen({ port: 0, workers: { count: 2, onEvent, idleGraceMs: 0 } });
if (workerInfo() === undefined) process.send?.({ port });
