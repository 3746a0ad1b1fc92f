import {
  type App,
  activatedSockets,
  createServer,
  type ListeningAddress,
  notifyServiceManager,
  stopOnSignals,
  type WorkerEvent,
  workerInfo,
} from "@tz/server";
import { StaticError, type StaticMount, staticMount } from "@tz/static";
import { AdminListener } from "./admin-listener.js";
import { demoSite } from "./demo-site.js";
import { HttpRedirect } from "./http-redirect.js";
import { explainListenFailure } from "./listen-failure.js";
import { accessLogOptions, addMonitoring, statsOptions } from "./monitoring.js";
import type { Settings } from "./settings.js";
import { tlsOptions } from "./tls-config.js";
import { UsageError } from "./usage-error.js";
import { workerNote } from "./worker-notes.js";

/** How long answers that are on their way may take after the first signal. */
const drainTimeoutMs = 10_000;

/**
 * Serves until a signal. Resolves once the server listens and the ready line is out.
 * @throws UsageError when the address cannot be listened on, a certificate cannot be used, or the loop does not run here
 */
export async function serve(config: Settings): Promise<void> {
  const { tls, workers, quiet } = config;
  const app = makeApp(config);
  const mounts = config.mounts.length === 0 ? demoSite() : mountDirectories(config.mounts);
  for (const mount of mounts) app.mount(mount);

  if (config.monitoring.admin === undefined) addMonitoring(app, config.monitoring);

  const note = (text: string) => quiet || console.error(text);
  // First: binding a low port needs rights that the server gives up. With workers their supervisor answers it.
  const redirect = workerInfo() === undefined ? await HttpRedirect.listen(config) : undefined;
  const admin = workerInfo() === undefined ? await AdminListener.listen(config, app) : undefined;
  const address = await listen(app, config);
  // A worker: its supervisor listens to signals and has said the line.
  if (workerInfo() !== undefined) return;
  if (redirect !== undefined) {
    redirect.securePort = address.port;
    note(`Redirecting ${urlOf("http", redirect.address)}`);
  }
  if (admin !== undefined) note(`Monitoring on ${urlOf("http", admin.address)}`);
  // With workers the signal is a reload, which reads everything anew.
  if (tls?.files !== undefined && workers === 1) process.on("SIGHUP", () => reloadCertificate(app, note));
  stopOnSignals(async () => {
    note("Stopping: finishing what is being sent …");
    if (workers === 1) notifyServiceManager("STOPPING=1");
    const order = { timeoutMs: drainTimeoutMs, unreadyMs: config.monitoring.drainDelayMs };
    await Promise.all([app.close(order), redirect?.close(order)]);
    await admin?.close();
  });
  // The one line on stdout: whoever started us may wait for it and read the port from it.
  console.log(`Listening on ${urlOf(tls === undefined ? "http" : "https", address)}`);
  if (workers === 1) notifyServiceManager("READY=1");
}

/** @throws UsageError for a loop that does not run here */
function makeApp(config: Settings): App {
  const { loop, monitoring } = config;
  try {
    return createServer({
      loop,
      stats: statsOptions(monitoring),
      accessLog: accessLogOptions(monitoring),
    });
  } catch (error) {
    throw explainListenFailure(error, config);
  }
}

function listen(app: App, config: Settings): Promise<ListeningAddress> {
  const { host, port, user, group, socketMode, pin } = config;
  const onEvent = (event: WorkerEvent): void => {
    const note = workerNote(event);
    if (note !== undefined && (note.isError || !config.quiet)) console.error(note.text);
  };
  // An object would mean a supervisor and one worker.
  const workers = config.workers === 1 ? 1 : { count: config.workers, pin, drainTimeoutMs, onEvent };
  const tls = config.tls && tlsOptions(config.tls, host);
  const http2 = config.tls?.http2;
  const target = { host, port, fds: activatedSockets(), user, group, socketMode, workers, tls, http2 };
  return app.listen(target).catch((error: unknown) => {
    throw explainListenFailure(error, config);
  });
}

function reloadCertificate(app: App, note: (text: string) => void): void {
  try {
    app.reloadTls();
    note("Certificate read again");
  } catch (error) {
    console.error(`tz-static: the old certificate stays: ${(error as Error).message}`);
  }
}

/** @throws UsageError when a mount refuses an option or its prefix, or has the prefix of another */
function mountDirectories(settings: Settings["mounts"]): StaticMount[] {
  const prefixes = new Set<string>();
  return settings.map(({ prefix, dir, options, origin }) => {
    const refuse = (why: string) => new UsageError(origin === "" ? why : `${origin} ${why}`);
    if (prefixes.has(prefix)) throw refuse(`another mount has the prefix ${JSON.stringify(prefix)} already`);
    prefixes.add(prefix);
    try {
      return staticMount(prefix, dir, options);
    } catch (error) {
      throw error instanceof StaticError ? refuse(error.message) : error;
    }
  });
}

/** RFC 3986 §3.2.2: an IPv6 address stands in brackets. There are no URLs of Unix sockets. */
function urlOf(scheme: string, { host, port }: ListeningAddress): string {
  if (host.includes("/")) return `unix:${host}`;
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}/`;
}
