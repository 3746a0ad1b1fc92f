import type { TlsStats } from "../tls/tls-counts.js";
import type { Durations } from "./latency-buckets.js";
import { Durations as DurationsOf, UNITS_PER_MS } from "./latency-buckets.js";
import type { NamedRow } from "./named-rows.js";
import type { BlockReading } from "./stats-block.js";
import {
  ARENA_COLUMNS,
  GAUGES,
  type Gauge,
  MOUNT_COLUMNS,
  PATH_COLUMNS,
  ROUTE_COLUMNS,
  type WorkerState,
} from "./stats-layout.js";

const NO_GAUGES = Object.fromEntries(GAUGES.map((name) => [name, 0])) as Record<Gauge, number>;

/** Connections by what they do. */
export interface ConnectionStates {
  /** Between two requests. */
  readonly idle: number;
  /** A request has begun to arrive, or its body is being read. */
  readonly reading: number;
  /** A handler works on the answer. */
  readonly handling: number;
  /** The client takes the answer more slowly than it is made. */
  readonly writing: number;
  /** The last answer has left; the client is given time to read it. */
  readonly closing: number;
  /** WebSocket and other protocols that took over. */
  readonly upgraded: number;
}

export interface RouteStats {
  /**
   * The route's pattern; `PREFIX/*` of a mount; `(handler)`; `(none)` where nobody answered; `(refused)` what was no
   * request; `(other)` routes beyond the 63 that have a place of their own.
   */
  readonly route: string;
  readonly requests: number;
  /** Answers by the first digit of their status. */
  readonly informational: number;
  readonly successful: number;
  readonly redirected: number;
  readonly refused: number;
  readonly failed: number;
  /** Of bodies; heads are not counted here. */
  readonly bodyBytes: number;
  /** All its requests together. */
  readonly durationMs: number;
}

export interface MountFigures {
  readonly prefix: string;
  readonly requests: number;
  /** Requests that the mount's cache answered. */
  readonly hits: number;
  readonly entries: number;
  /** Held by the mount's cache. */
  readonly bytes: number;
  readonly fds: number;
  readonly evictions: number;
}

/** Memory by who holds it. */
export interface ArenaFigures {
  readonly name: string;
  /** Asked for by its holders of now. */
  readonly allocatedBytes: number;
  /** Taken from the system. */
  readonly mappedBytes: number;
  /** Things held, where they are counted. */
  readonly live: number;
}

export interface PathFigures {
  /** Without the query. */
  readonly path: string;
  /** Of the last minute, older ones fading out; estimated from samples under load. */
  readonly perMinute: number;
}

export type TlsFigures = Pick<TlsStats, "handshakes" | "resumed" | "failed">;

/** What all workers together did. */
export interface ServerTotals {
  readonly requests: number;
  readonly byStatus: Readonly<Record<number, number>>;
  readonly byRoute: readonly RouteStats[];
  /** Of HTTP and upgraded connections, as the protocol sees them: without TLS. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly accepted: number;
  readonly closed: number;
  /** Requests whose client went away before the answer was complete. */
  readonly aborted: number;
  /** Errors that left handlers, hooks and streams. */
  readonly errors: number;
  /** From the loop turn that read a request to the last byte of its answer handed to the kernel. */
  readonly latency: Durations;
  /** How late a timer of 100 ms fired. */
  readonly lag: Durations;
  /** How often the loop looked for work. */
  readonly turns: number;
  /** Of Node's event loop: `activeMs / (activeMs + idleMs)` is its utilization. */
  readonly activeMs: number;
  readonly idleMs: number;
  readonly timers: number;
  readonly connections: ConnectionStates;
  /** Requests that a handler works on. */
  readonly inFlight: number;
  /** Handshakes of TLS listeners: complete ones, those of them that resumed a session, and failed ones. */
  readonly tls: TlsFigures;
  /** HTTP/2 connections that are open. */
  readonly http2Sessions: number;
  readonly rssBytes: number;
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  readonly externalBytes: number;
  /** Receive, send and parse memory of the loops. */
  readonly ioBytes: number;
  /** Of Node's `ArrayBuffer`s and `SharedArrayBuffer`s. */
  readonly arrayBufferBytes: number;
  readonly arenas: readonly ArenaFigures[];
  /** The most wanted ones, when they are asked for (`stats.paths`). */
  readonly paths: readonly PathFigures[];
  readonly mounts: readonly MountFigures[];
}

export interface WorkerFigures extends ServerTotals {
  /** From 0. */
  readonly worker: number;
  readonly pid: number;
  readonly state: WorkerState;
  readonly startedAtMs: number;
}

/** Makes sense of a block. What a worker that has ended held (memory, connections) is gone: only its counts stay. */
export function workerFigures(reading: BlockReading): WorkerFigures {
  const { counters, worker, pid, state, startedAtMs, latency, lag, statuses } = reading;
  const byRoute = reading.routes.map(routeStats).filter(({ requests }) => requests > 0);
  const alive = state !== "ended";
  const gauges = alive ? reading.gauges : NO_GAUGES;
  const gone = alive ? {} : { entries: 0, bytes: 0, fds: 0 };
  const { idle, reading: readingNow, handling, writing, closing, upgraded } = gauges;
  return {
    worker,
    pid,
    state,
    startedAtMs,
    requests: byRoute.reduce((sum, { requests }) => sum + requests, 0),
    byStatus: statuses,
    byRoute,
    bytesIn: counters.bytesIn,
    bytesOut: counters.bytesOut,
    accepted: counters.accepted,
    closed: counters.closed,
    aborted: counters.aborted,
    errors: counters.errors,
    latency,
    lag,
    turns: counters.turns,
    activeMs: counters.activeMs,
    idleMs: counters.idleMs,
    timers: gauges.timers,
    connections: { idle, reading: readingNow, handling, writing, closing, upgraded },
    inFlight: gauges.inFlight,
    tls: {
      handshakes: counters.tlsHandshakes,
      resumed: counters.tlsResumed,
      failed: counters.tlsFailed,
    },
    http2Sessions: gauges.http2Sessions,
    rssBytes: gauges.rssBytes,
    heapUsedBytes: gauges.heapUsedBytes,
    heapTotalBytes: gauges.heapTotalBytes,
    externalBytes: gauges.externalBytes,
    ioBytes: gauges.ioBytes,
    arrayBufferBytes: gauges.arrayBufferBytes,
    arenas: alive ? reading.arenas.map(arenaFigures) : [],
    paths: alive ? reading.paths.map(pathFigures) : [],
    mounts: reading.mounts.map(({ name, values }) => ({
      prefix: name,
      ...columns(MOUNT_COLUMNS, values),
      ...gone,
    })),
  };
}

function arenaFigures({ name, values }: NamedRow): ArenaFigures {
  return { name, ...columns(ARENA_COLUMNS, values) };
}

function pathFigures({ name, values }: NamedRow): PathFigures {
  return { path: name, ...columns(PATH_COLUMNS, values) };
}

function routeStats({ name, values }: NamedRow): RouteStats {
  const { otherwise, latencyUnits, ...counts } = columns(ROUTE_COLUMNS, values);
  const { informational, successful, redirected, refused, failed } = counts;
  const requests = otherwise + informational + successful + redirected + refused + failed;
  return { route: name, requests, ...counts, durationMs: latencyUnits / UNITS_PER_MS };
}

function columns<Name extends string>(
  names: readonly Name[],
  values: readonly number[],
): Record<Name, number> {
  return Object.fromEntries(names.map((name, i) => [name, values[i] ?? 0])) as Record<Name, number>;
}

export function totalOf(workers: readonly WorkerFigures[]): ServerTotals {
  const sum = (pick: (one: WorkerFigures) => number): number =>
    workers.reduce((total, one) => total + pick(one), 0);
  const state = (name: keyof ConnectionStates): number => sum((one) => one.connections[name]);
  const byStatus: Record<number, number> = {};
  for (const { byStatus: one } of workers) {
    for (const [status, count] of Object.entries(one))
      byStatus[Number(status)] = (byStatus[Number(status)] ?? 0) + count;
  }
  return {
    requests: sum((one) => one.requests),
    byStatus,
    byRoute: merged(workers, "route", (one) => one.byRoute),
    bytesIn: sum((one) => one.bytesIn),
    bytesOut: sum((one) => one.bytesOut),
    accepted: sum((one) => one.accepted),
    closed: sum((one) => one.closed),
    aborted: sum((one) => one.aborted),
    errors: sum((one) => one.errors),
    latency: workers.reduce((all, one) => all.plus(one.latency), DurationsOf.none),
    lag: workers.reduce((all, one) => all.plus(one.lag), DurationsOf.none),
    turns: sum((one) => one.turns),
    activeMs: sum((one) => one.activeMs),
    idleMs: sum((one) => one.idleMs),
    timers: sum((one) => one.timers),
    connections: {
      idle: state("idle"),
      reading: state("reading"),
      handling: state("handling"),
      writing: state("writing"),
      closing: state("closing"),
      upgraded: state("upgraded"),
    },
    inFlight: sum((one) => one.inFlight),
    tls: {
      handshakes: sum((one) => one.tls.handshakes),
      resumed: sum((one) => one.tls.resumed),
      failed: sum((one) => one.tls.failed),
    },
    http2Sessions: sum((one) => one.http2Sessions),
    rssBytes: sum((one) => one.rssBytes),
    heapUsedBytes: sum((one) => one.heapUsedBytes),
    heapTotalBytes: sum((one) => one.heapTotalBytes),
    externalBytes: sum((one) => one.externalBytes),
    ioBytes: sum((one) => one.ioBytes),
    arrayBufferBytes: sum((one) => one.arrayBufferBytes),
    arenas: merged(workers, "name", (one) => one.arenas),
    paths: merged(workers, "path", (one) => one.paths).sort((a, b) => b.perMinute - a.perMinute),
    mounts: merged(workers, "prefix", (one) => one.mounts),
  };
}

/** Adds the numbers of rows of one name. */
function merged<Row extends object>(
  workers: readonly WorkerFigures[],
  key: keyof Row,
  pick: (worker: WorkerFigures) => readonly Row[],
): Row[] {
  const rows = new Map<unknown, Record<string, unknown>>();
  for (const row of workers.flatMap((worker) => pick(worker))) {
    const before = rows.get(row[key]);
    const sum = { ...row } as Record<string, unknown>;
    for (const [name, value] of Object.entries(before ?? {})) {
      if (typeof value === "number") sum[name] = value + (sum[name] as number);
    }
    rows.set(row[key], sum);
  }
  return [...rows.values()] as Row[];
}
