import { performance } from "node:perf_hooks";
import { getHeapSpaceStatistics } from "node:v8";
import type { MemoryStatistics, Reportable } from "@tz/alloc";
import type { PlanMount } from "@tz/http1";
import { Connection } from "../connection.js";
import type { ServerCore } from "../server-core.js";
import type { TlsStats } from "../tls/tls-counts.js";
import { Upgraded } from "../upgraded.js";
import type { PathSampler } from "./path-sampler.js";
import type { StatsBlock } from "./stats-block.js";
import { type Gauge, MOUNT_COLUMNS } from "./stats-layout.js";

const LAG_PERIOD_MS = 100;
const PERIODS_PER_READING = 10;
const STATES = ["idle", "reading", "handling", "writing", "closing", "upgraded"] as const;
/** Columns of mounts that only grow; the others say how it is now. */
const GROWING = new Set<string>(["requests", "hits", "evictions"]);

/** Looks, ten times a second, how late it is, and once a second at what is not counted as it happens. */
export class Meter {
  readonly #core: ServerCore;
  readonly #block: StatsBlock;
  readonly #arenas: readonly Reportable[];
  readonly #paths: PathSampler | undefined;
  readonly #tls: TlsStats;
  readonly #timer: NodeJS.Timeout;
  readonly #seen = new Map<object, readonly number[]>();
  #dueMs = performance.now() + LAG_PERIOD_MS;
  #periods = 0;
  #turns = 0;
  #utilization = performance.eventLoopUtilization();

  constructor(
    core: ServerCore,
    block: StatsBlock,
    arenas: readonly Reportable[],
    paths: PathSampler | undefined,
    tls: TlsStats,
  ) {
    this.#tls = tls;
    this.#core = core;
    this.#block = block;
    this.#arenas = arenas;
    this.#paths = paths;
    this.#timer = setInterval(() => this.#tick(), LAG_PERIOD_MS).unref();
    this.measure();
  }

  close(): void {
    clearInterval(this.#timer);
    this.measure();
  }

  #tick(): void {
    const now = performance.now();
    this.#block.lagged(Math.max(0, now - this.#dueMs));
    this.#dueMs = now + LAG_PERIOD_MS;
    this.#block.publish();
    if (++this.#periods % PERIODS_PER_READING !== 0) return;
    this.#paths?.fade();
    this.measure();
  }

  measure(): void {
    const block = this.#block;
    const { loop } = this.#core;
    block.count("turns", loop.turns - this.#turns);
    this.#turns = loop.turns;
    const before = this.#utilization;
    this.#utilization = performance.eventLoopUtilization();
    const { active, idle } = performance.eventLoopUtilization(this.#utilization, before);
    block.count("activeMs", Math.max(0, Math.round(active)));
    block.count("idleMs", Math.max(0, Math.round(idle)));
    for (const [name, value] of Object.entries(this.#gauges())) block.gauge(name as Gauge, value);
    this.#core.mounts.all.slice(0, block.mounts.capacity).forEach((mount, row) => {
      this.#measureMount(mount, row);
    });
    this.#measureArenas();
    if (this.#paths !== undefined) {
      const top = this.#paths.top(block.paths.capacity);
      top.forEach(([path, perMinute], row) => {
        block.paths.put(row, path, [Math.ceil(perMinute)]);
      });
      block.paths.truncate(top.length);
    }
    block.publish();
  }

  #gauges(): Partial<Record<Gauge, number>> {
    const { loop, admission } = this.#core;
    const states: Partial<Record<Gauge, number>> = Object.fromEntries(STATES.map((state) => [state, 0]));
    loop.eachHandler((handler) => {
      const state =
        handler instanceof Connection
          ? handler.state
          : handler instanceof Upgraded
            ? "upgraded"
            : // HTTP/2 is loaded when it is on.
              ((handler as { readonly state?: Connection["state"] }).state ?? "reading");
      states[state] = (states[state] ?? 0) + 1;
    });
    const memory = process.memoryUsage();
    return {
      ...states,
      timers: loop.timers.size,
      inFlight: admission.inFlight,
      rssBytes: memory.rss,
      heapUsedBytes: memory.heapUsed,
      heapTotalBytes: memory.heapTotal,
      externalBytes: memory.external,
      arrayBufferBytes: memory.arrayBuffers,
      ioBytes: loop.memory.bytes.byteLength,
      http2Sessions: this.#tls.http2Sessions,
    };
  }

  #measureMount(mount: PlanMount, row: number): void {
    const figures = (mount as { stats?: Readonly<Record<string, unknown>> }).stats ?? {};
    const values = MOUNT_COLUMNS.map((name) => Math.max(0, Math.round(Number(figures[name]) || 0)));
    const seen = this.#seen.get(mount);
    this.#seen.set(mount, values);
    const { mounts, cells } = this.#block;
    // What a worker before this one counted goes on, where its row was of the same mount.
    mounts.claim(row, mount.prefix);
    MOUNT_COLUMNS.forEach((name, column) => {
      const cell = mounts.cell(row, column);
      if (GROWING.has(name)) cells.add(cell, Math.max(0, values[column]! - (seen?.[column] ?? 0)));
      else cells.set(cell, values[column]!);
    });
  }

  #measureArenas(): void {
    const { arenas } = this.#block;
    const rows = [
      ...heapSpaces(),
      ...this.#core.mounts.all.flatMap((mount) => structuresOf(mount, `${mount.prefix} `)),
      ...this.#arenas.flatMap((arena) => structuresOf(arena, "")),
    ].slice(0, arenas.capacity);
    rows.forEach(([name, ...values], row) => {
      arenas.put(row, name, values);
    });
    arenas.truncate(rows.length);
  }
}

type ArenaRow = [name: string, allocatedBytes: number, mappedBytes: number, live: number];

/** V8's heap by space; the small ones together. */
function heapSpaces(): ArenaRow[] {
  const rows: ArenaRow[] = [];
  const rest: ArenaRow = ["v8 other", 0, 0, 0];
  for (const space of getHeapSpaceStatistics()) {
    const { space_name, space_used_size, physical_space_size } = space;
    if (/^(new|old|code|large_object)_space$/.test(space_name)) {
      rows.push([
        `v8 ${space_name.replace(/_space$/, "").replace("_", " ")}`,
        space_used_size,
        physical_space_size,
        0,
      ]);
    } else {
      rest[1] += space_used_size;
      rest[2] += physical_space_size;
    }
  }
  return [...rows, rest];
}

function structuresOf(holder: object, prefix: string): ArenaRow[] {
  const found = (holder as Partial<Reportable>).statistics?.();
  if (found === undefined) return [];
  const structures = Array.isArray(found)
    ? (found as readonly MemoryStatistics[])
    : [found as MemoryStatistics];
  return structures.map(({ name, allocatedBytes, mappedBytes, allocations, frees }) => [
    `${prefix}${name}`,
    allocatedBytes,
    mappedBytes,
    Math.max(0, allocations - frees),
  ]);
}
