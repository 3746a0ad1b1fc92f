import type { App, Durations, ServerTotals, WorkerFigures } from "@tz/server";

const PERIOD_MS = 1000;
const ROWS_MAX = 12;

interface Reading {
  readonly atMs: number;
  readonly total: ServerTotals;
  readonly byWorker: readonly WorkerFigures[];
}

/** What the page gets once a second. Rates and percentiles are of that second. */
export interface DashboardSnapshot {
  readonly atMs: number;
  readonly requestsPerSecond: number;
  readonly receivedPerSecond: number;
  readonly sentPerSecond: number;
  readonly latencyMs: LatencyFigures;
  readonly lagMs: number;
  /** From 0 to 1; `null` when no mount was asked. */
  readonly hitRatio: number | null;
  /** Answers of that second by the first digit of their status. */
  readonly byClass: Readonly<Record<string, number>>;
  readonly requests: number;
  readonly errors: number;
  readonly aborted: number;
  readonly inFlight: number;
  readonly timers: number;
  readonly connections: ServerTotals["connections"];
  readonly memory: readonly { readonly name: string; readonly bytes: number; readonly mappedBytes: number }[];
  readonly rssBytes: number;
  readonly mounts: ServerTotals["mounts"];
  readonly paths: ServerTotals["paths"];
  readonly routes: readonly {
    readonly route: string;
    readonly requests: number;
    readonly perSecond: number;
  }[];
  readonly workers: readonly WorkerSnapshot[];
}

export interface LatencyFigures {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export interface WorkerSnapshot {
  readonly worker: number;
  readonly pid: number;
  readonly state: string;
  readonly upMs: number;
  readonly requestsPerSecond: number;
  readonly p99Ms: number;
  readonly lagMs: number;
  /** How much of the second Node's loop was at work, from 0 to 1. */
  readonly busy: number;
  readonly connections: number;
  readonly rssBytes: number;
}

/** Reads a server's figures once a second, for all who watch, as long as somebody does. */
export class DashboardFeed {
  readonly #app: App;
  viewers = 0;
  #before: Reading | undefined;
  #latest: DashboardSnapshot | undefined;
  #next: Promise<DashboardSnapshot> | undefined;

  constructor(app: App) {
    this.#app = app;
  }

  /** The last one, if it is no older than a second; otherwise one without a second before it. */
  latest(): DashboardSnapshot {
    if (this.#latest === undefined || Date.now() - this.#latest.atMs > 2 * PERIOD_MS) this.#take(true);
    return this.#latest!;
  }

  /** The next one: all who ask get the same. */
  next(): Promise<DashboardSnapshot> {
    this.#next ??= new Promise((resolve) => {
      setTimeout(() => {
        this.#next = undefined;
        resolve(this.#take(false));
      }, PERIOD_MS);
    });
    return this.#next;
  }

  #take(anew: boolean): DashboardSnapshot {
    const { total, byWorker } = this.#app.stats();
    if (total === undefined || byWorker === undefined) throw new Error("the server does not count");
    const now = { atMs: Date.now(), total, byWorker };
    this.#latest = snapshot(now, anew ? now : (this.#before ?? now));
    this.#before = now;
    return this.#latest;
  }
}

function snapshot(now: Reading, before: Reading): DashboardSnapshot {
  const seconds = Math.max((now.atMs - before.atMs) / 1000, 0.001);
  const rate = (pick: (total: ServerTotals) => number): number =>
    Math.max(0, pick(now.total) - pick(before.total)) / seconds;
  const { total } = now;
  return {
    atMs: now.atMs,
    requestsPerSecond: rate((one) => one.requests),
    receivedPerSecond: rate((one) => one.bytesIn),
    sentPerSecond: rate((one) => one.bytesOut),
    latencyMs: latencyOf(total.latency.since(before.total.latency)),
    lagMs: total.lag.since(before.total.lag).percentileMs(0.99),
    hitRatio: hitRatio(now, before),
    byClass: byClass(now, before),
    requests: total.requests,
    errors: total.errors,
    aborted: total.aborted,
    inFlight: total.inFlight,
    timers: total.timers,
    connections: total.connections,
    memory: [
      ...total.arenas.map(({ name, allocatedBytes, mappedBytes }) => ({
        name,
        bytes: allocatedBytes,
        mappedBytes,
      })),
      { name: "array buffers", bytes: total.arrayBufferBytes, mappedBytes: total.arrayBufferBytes },
      { name: "I/O", bytes: total.ioBytes, mappedBytes: total.ioBytes },
    ].filter(({ mappedBytes }) => mappedBytes > 0),
    rssBytes: total.rssBytes,
    mounts: total.mounts,
    paths: total.paths.slice(0, ROWS_MAX),
    routes: routes(now, before, seconds),
    workers: now.byWorker
      .filter(({ state }) => state !== "ended")
      .map((worker) =>
        workerOf(worker, before.byWorker.find(({ pid }) => pid === worker.pid) ?? worker, now, seconds),
      ),
  };
}

function latencyOf(durations: Durations): LatencyFigures {
  const at = (share: number): number => durations.percentileMs(share);
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

function hitRatio(now: Reading, before: Reading): number | null {
  const sum = ({ total }: Reading, name: "requests" | "hits"): number =>
    total.mounts.reduce((all, mount) => all + mount[name], 0);
  const requests = sum(now, "requests") - sum(before, "requests");
  if (requests > 0) return Math.max(0, sum(now, "hits") - sum(before, "hits")) / requests;
  return sum(now, "requests") > 0 ? sum(now, "hits") / sum(now, "requests") : null;
}

function byClass(now: Reading, before: Reading): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [status, count] of Object.entries(now.total.byStatus)) {
    const name = `${status[0]}xx`;
    counts[name] = (counts[name] ?? 0) + count - (before.total.byStatus[Number(status)] ?? 0);
  }
  return counts;
}

function routes(now: Reading, before: Reading, seconds: number): DashboardSnapshot["routes"] {
  const earlier = new Map(before.total.byRoute.map(({ route, requests }) => [route, requests]));
  return now.total.byRoute
    .map(({ route, requests }) => ({
      route,
      requests,
      perSecond: Math.max(0, requests - (earlier.get(route) ?? 0)) / seconds,
    }))
    .sort((a, b) => b.requests - a.requests)
    .slice(0, ROWS_MAX);
}

function workerOf(
  worker: WorkerFigures,
  before: WorkerFigures,
  { atMs }: Reading,
  seconds: number,
): WorkerSnapshot {
  const active = worker.activeMs - before.activeMs;
  const all = active + worker.idleMs - before.idleMs;
  return {
    worker: worker.worker,
    pid: worker.pid,
    state: worker.state,
    upMs: Math.max(0, atMs - worker.startedAtMs),
    requestsPerSecond: Math.max(0, worker.requests - before.requests) / seconds,
    p99Ms: worker.latency.since(before.latency).percentileMs(0.99),
    lagMs: worker.lag.since(before.lag).percentileMs(0.99),
    busy: all > 0 ? active / all : 0,
    connections: Object.values(worker.connections).reduce((sum, count) => sum + count, 0),
    rssBytes: worker.rssBytes,
  };
}
