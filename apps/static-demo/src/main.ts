import {
  type App,
  activatedSockets,
  createServer,
  type ListeningAddress,
  notifyServiceManager,
  type WorkerEvent,
  workerInfo,
} from "@tz/server";
import { StaticError, type StaticMount, type StaticOptions, staticMount } from "@tz/static";
import type { Config } from "./config.js";
import { demoSite } from "./demo-site.js";
import { explainListenFailure } from "./listen-failure.js";
import { stopOnSignals } from "./stop-signals.js";
import { UsageError } from "./usage-error.js";
import { workerNote } from "./worker-notes.js";

/** How long answers that are on their way may take after the first signal. */
const drainTimeoutMs = 10_000;

/**
 * Serves until a signal. Resolves once the server listens and the ready line is out.
 * @throws UsageError when the address cannot be listened on
 */
export async function serve(config: Config): Promise<void> {
  const app = createServer({ loop: config.loop });
  const mounts = config.dir === undefined ? demoSite() : [mountDirectory(config.dir, config.mount)];
  for (const mount of mounts) app.mount(mount);

  const address = await listen(app, config);
  // A worker: its supervisor listens to signals and has said the line.
  if (workerInfo() !== undefined) return;
  stopOnSignals(async () => {
    if (!config.quiet) console.error("Stopping: finishing what is being sent …");
    if (config.workers === 1) notifyServiceManager("STOPPING=1");
    await app.close({ timeoutMs: drainTimeoutMs });
  });
  // The one line on stdout: whoever started us may wait for it and read the port from it.
  console.log(`Listening on ${urlOf(address.host, address.port)}`);
  if (config.workers === 1) notifyServiceManager("READY=1");
}

function listen(app: App, config: Config): Promise<ListeningAddress> {
  const { host, port, user, group, socketMode, pin } = config;
  const onEvent = (event: WorkerEvent): void => {
    const note = workerNote(event);
    if (note !== undefined && (note.isError || !config.quiet)) console.error(note.text);
  };
  // An object would mean a supervisor and one worker.
  const workers = config.workers === 1 ? 1 : { count: config.workers, pin, drainTimeoutMs, onEvent };
  const target = { host, port, fds: activatedSockets(), user, group, socketMode, workers };
  return app.listen(target).catch((error: unknown) => {
    throw explainListenFailure(error, config);
  });
}

/** @throws UsageError when the mount refuses an option (a header that it sets itself, a malformed glob) */
function mountDirectory(dir: string, options: StaticOptions): StaticMount {
  try {
    return staticMount("/", dir, options);
  } catch (error) {
    if (error instanceof StaticError) throw new UsageError(error.message);
    throw error;
  }
}

/** RFC 3986 §3.2.2: an IPv6 address stands in brackets. There are no URLs of Unix sockets. */
function urlOf(host: string, port: number): string {
  if (host.includes("/")) return `unix:${host}`;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}/`;
}
