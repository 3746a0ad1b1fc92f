import type { Durations } from "./latency-buckets.js";
import type { ServerTotals, WorkerFigures } from "./worker-figures.js";

/** The text formats that Prometheus and its kin read. */
export type ExpositionFormat = "openmetrics" | "prometheus";

export const EXPOSITION_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
};

/** Upper bounds of duration buckets in seconds: from a hot file to a slow upload. */
const DURATION_BOUNDS_S = [
  0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
  10,
];
const LAG_BOUNDS_S = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

type Labels = Readonly<Record<string, string | number>>;
type Sample = readonly [labels: Labels, value: number];

/**
 * Writes metric families: names by the conventions of OpenMetrics 1.0 (base units, `_total` for counters), which
 * differ from Prometheus' older format in the metadata of counters, in units and in the end mark.
 */
class Exposition {
  #text = "";
  readonly #format: ExpositionFormat;

  constructor(format: ExpositionFormat) {
    this.#format = format;
  }

  counter(name: string, help: string, samples: readonly Sample[], unit?: string): void {
    const open = this.#format === "openmetrics";
    this.#head(open ? name : `${name}_total`, "counter", help, unit);
    for (const [labels, value] of samples) this.#line(`${name}_total`, labels, value);
  }

  gauge(name: string, help: string, samples: readonly Sample[], unit?: string): void {
    this.#head(name, "gauge", help, unit);
    for (const [labels, value] of samples) this.#line(name, labels, value);
  }

  histogram(name: string, help: string, durations: Durations, boundsS: readonly number[]): void {
    this.#head(name, "histogram", help, "seconds");
    for (const bound of boundsS) {
      this.#line(`${name}_bucket`, { le: floatText(bound) }, durations.countUpTo(bound * 1000));
    }
    this.#line(`${name}_bucket`, { le: "+Inf" }, durations.count);
    this.#line(`${name}_sum`, {}, durations.sumMs / 1000);
    this.#line(`${name}_count`, {}, durations.count);
  }

  /** @param more families of others, in the same format, without an end mark */
  end(more: string): string {
    const others = more === "" || more.endsWith("\n") ? more : `${more}\n`;
    return `${this.#text}${others}${this.#format === "openmetrics" ? "# EOF\n" : ""}`;
  }

  #head(name: string, type: string, help: string, unit: string | undefined): void {
    this.#text += `# TYPE ${name} ${type}\n`;
    if (unit !== undefined && this.#format === "openmetrics") this.#text += `# UNIT ${name} ${unit}\n`;
    this.#text += `# HELP ${name} ${help}\n`;
  }

  #line(name: string, labels: Labels, value: number): void {
    const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(String(text))}"`);
    this.#text += `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`;
  }
}

/** A label's value may hold anything: routes are written by people. */
function escaped(text: string): string {
  return text.replace(/[\\"\n]/g, (one) => (one === "\n" ? "\\n" : `\\${one}`));
}

/** OpenMetrics: the canonical form of a bound is a float. */
function floatText(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

const CLASSES = [
  ["1xx", "informational"],
  ["2xx", "successful"],
  ["3xx", "redirected"],
  ["4xx", "refused"],
  ["5xx", "failed"],
] as const;

/**
 * The figures of a server as metrics. What is counted is told of all workers together, what a process has (memory, its
 * loop) of each. Labels are routes and mounts, never paths: their number is bounded.
 * @param more families of others, in the same format, without an end mark
 */
export function exposition(
  { total, byWorker }: { readonly total: ServerTotals; readonly byWorker: readonly WorkerFigures[] },
  format: ExpositionFormat,
  more = "",
): string {
  const out = new Exposition(format);
  requests(out, total);
  connections(out, total);
  caches(out, total);
  processes(
    out,
    byWorker.filter(({ state }) => state !== "ended"),
  );
  return out.end(more);
}

function requests(out: Exposition, total: ServerTotals): void {
  out.counter(
    "tz_http_requests",
    "Requests answered, by route and class of status.",
    total.byRoute.flatMap((row) =>
      CLASSES.filter(([, column]) => row[column] > 0).map(
        ([code, column]): Sample => [{ route: row.route, code }, row[column]],
      ),
    ),
  );
  out.counter(
    "tz_http_responses",
    "Responses begun, by status.",
    Object.entries(total.byStatus).map(([status, count]) => [{ status }, count]),
  );
  out.counter(
    "tz_http_response_body_bytes",
    "Bytes of response bodies of known length, by route.",
    total.byRoute.map(({ route, bodyBytes }) => [{ route }, bodyBytes]),
    "bytes",
  );
  out.counter(
    "tz_http_route_duration_seconds",
    "Time that requests took, by route.",
    total.byRoute.map(({ route, durationMs }) => [{ route }, durationMs / 1000]),
    "seconds",
  );
  out.histogram(
    "tz_http_request_duration_seconds",
    "From the loop turn that read a request to the last byte of its answer given to the kernel.",
    total.latency,
    DURATION_BOUNDS_S,
  );
  const whole = (value: number): Sample[] => [[{}, value]];
  out.gauge("tz_http_requests_in_flight", "Requests that a handler works on.", whole(total.inFlight));
  out.counter(
    "tz_http_requests_aborted",
    "Requests whose client left before the end of the answer.",
    whole(total.aborted),
  );
  out.counter("tz_errors", "Errors that left handlers, hooks and streams.", whole(total.errors));
}

function connections(out: Exposition, total: ServerTotals): void {
  out.gauge(
    "tz_connections",
    "Connections by state.",
    Object.entries(total.connections).map(([state, count]) => [{ state }, count]),
  );
  out.counter("tz_connections_accepted", "Connections accepted.", [[{}, total.accepted]]);
  out.counter("tz_connections_closed", "Connections closed.", [[{}, total.closed]]);
  const { handshakes, resumed, failed } = total.tls;
  out.counter("tz_tls_handshakes", "TLS handshakes completed.", [[{}, handshakes]]);
  out.counter("tz_tls_handshakes_resumed", "Of them, those that resumed a session.", [[{}, resumed]]);
  out.counter("tz_tls_handshakes_failed", "TLS handshakes that failed, were refused or took too long.", [
    [{}, failed],
  ]);
  out.gauge("tz_http2_sessions", "HTTP/2 connections that are open.", [[{}, total.http2Sessions]]);
  out.counter("tz_received_bytes", "Bytes received, without TLS.", [[{}, total.bytesIn]], "bytes");
  out.counter("tz_sent_bytes", "Bytes sent, without TLS.", [[{}, total.bytesOut]], "bytes");
}

function caches(out: Exposition, { mounts }: ServerTotals): void {
  if (mounts.length === 0) return;
  const each = (pick: (mount: (typeof mounts)[number]) => number): Sample[] =>
    mounts.map((mount) => [{ mount: mount.prefix }, pick(mount)]);
  out.counter(
    "tz_mount_requests",
    "Requests that a mount answered.",
    each((one) => one.requests),
  );
  out.counter(
    "tz_mount_cache_hits",
    "Of them, from its cache.",
    each((one) => one.hits),
  );
  out.counter(
    "tz_mount_cache_evictions",
    "Entries given up for others.",
    each((one) => one.evictions),
  );
  out.gauge(
    "tz_mount_cache_entries",
    "Entries of a mount's cache.",
    each((one) => one.entries),
  );
  out.gauge(
    "tz_mount_cache_bytes",
    "Memory of a mount's cache.",
    each((one) => one.bytes),
    "bytes",
  );
  out.gauge(
    "tz_mount_open_files",
    "Files that a mount holds open.",
    each((one) => one.fds),
  );
}

function processes(out: Exposition, workers: readonly WorkerFigures[]): void {
  const each = (pick: (worker: WorkerFigures) => number): Sample[] =>
    workers.map((one) => [{ worker: one.worker, pid: one.pid }, pick(one)]);
  out.gauge(
    "tz_worker_ready",
    "1 while a worker serves, 0 while it drains.",
    each((one) => (one.state === "serving" ? 1 : 0)),
  );
  out.gauge(
    "tz_worker_start_time_seconds",
    "When a worker began, since 1970.",
    each((one) => one.startedAtMs / 1000),
    "seconds",
  );
  out.gauge(
    "tz_worker_resident_memory_bytes",
    "Resident memory.",
    each((one) => one.rssBytes),
    "bytes",
  );
  out.gauge(
    "tz_worker_heap_used_bytes",
    "V8's heap in use.",
    each((one) => one.heapUsedBytes),
    "bytes",
  );
  out.gauge(
    "tz_worker_heap_total_bytes",
    "V8's heap.",
    each((one) => one.heapTotalBytes),
    "bytes",
  );
  out.gauge(
    "tz_worker_external_memory_bytes",
    "Held by V8's objects outside.",
    each((one) => one.externalBytes),
    "bytes",
  );
  out.gauge(
    "tz_worker_timers",
    "Timers of connections.",
    each((one) => one.timers),
  );
  const holders = (pick: (arena: WorkerFigures["arenas"][number]) => number): Sample[] =>
    workers.flatMap(({ worker, pid, arenas }) =>
      arenas.map((arena): Sample => [{ worker, pid, holder: arena.name }, pick(arena)]),
    );
  out.gauge(
    "tz_memory_allocated_bytes",
    "Memory in use, by holder.",
    holders((one) => one.allocatedBytes),
    "bytes",
  );
  out.gauge(
    "tz_memory_mapped_bytes",
    "Memory taken from the system, by holder.",
    holders((one) => one.mappedBytes),
    "bytes",
  );
  const counted = (pick: (worker: WorkerFigures) => number): Sample[] =>
    workers.map((one) => [{ worker: one.worker, pid: one.pid }, pick(one)]);
  out.counter(
    "tz_loop_turns",
    "How often a worker's loop looked for work.",
    counted((one) => one.turns),
  );
  out.counter(
    "tz_loop_active_seconds",
    "Time that Node's loop was busy.",
    counted((one) => one.activeMs / 1000),
    "seconds",
  );
  out.counter(
    "tz_loop_idle_seconds",
    "Time that Node's loop waited.",
    counted((one) => one.idleMs / 1000),
    "seconds",
  );
  const lag = workers
    .map((one) => one.lag)
    .reduce<Durations | undefined>((all, one) => all?.plus(one) ?? one, undefined);
  if (lag !== undefined)
    out.histogram("tz_loop_lag_seconds", "How late timers of 100 ms fired.", lag, LAG_BOUNDS_S);
}
