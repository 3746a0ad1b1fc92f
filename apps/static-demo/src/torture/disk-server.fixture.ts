/** Serves directories that somebody works on. Arguments: loop, directory, directory of a slow file system or "". */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { createServer, type LoopChoice } from "@tz/server";
import { staticMount } from "@tz/static";

/** How long the loop was away from its work, since the last report. */
export interface LoopLag {
  readonly p99Ms: number;
  readonly maxMs: number;
}

const [loop, directory, slow] = process.argv.slice(2);
const app = createServer({ loop: loop as LoopChoice, lingerTimeoutMs: 300 });
app.mount(staticMount("/fresh", directory!, { revalidateMs: 0, compress: false }));
app.mount(staticMount("/cached", directory!, { revalidateMs: 500, compress: false }));
if (slow) app.mount(staticMount("/slow", slow, { revalidateMs: 0, compress: false, cache: { bytes: 0 } }));
app.onError(() => {});
const { port } = await app.listen({ port: 0 });
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
process.send!({ port });
process.on("message", (message: string) => {
  if (message === "stop") void app.close({ timeoutMs: 100 }).then(() => process.disconnect());
  if (message !== "report") return;
  const lag: LoopLag = { p99Ms: delay.percentile(99) / 1e6, maxMs: delay.max / 1e6 };
  delay.reset();
  process.send!(lag);
});
