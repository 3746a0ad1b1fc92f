import { CounterCells } from "./counter-cells.js";
import { BUCKETS, bucketOf, Durations, toUnits, UNITS_PER_MS } from "./latency-buckets.js";
import { NamedRows } from "./named-rows.js";
import {
  BLOCK,
  COUNTER_CELL,
  COUNTERS,
  type Counter,
  GAUGE_CELL,
  GAUGES,
  type Gauge,
  PARTS,
  ROUTE_COLUMNS,
  SHAPES,
  STATUS_MIN,
  WORKER_STATES,
  type WorkerState,
} from "./stats-layout.js";

const STATUS_MAX = 599;
const BYTES_IN = COUNTER_CELL.bytesIn;
const BYTES_OUT = COUNTER_CELL.bytesOut;
// Words behind a route's first cell.
const BODY_BYTES = ROUTE_COLUMNS.indexOf("bodyBytes") * 2;
const LATENCY_UNITS = ROUTE_COLUMNS.indexOf("latencyUnits") * 2;
/** What a route without a place of its own is counted under. */
const OTHER_ROUTE = 0;

/** One worker's counters: written by that worker only, read by anybody who maps them. */
export class StatsBlock {
  readonly cells: CounterCells;
  readonly routes: NamedRows;
  readonly mounts: NamedRows;
  readonly arenas: NamedRows;
  readonly paths: NamedRows;
  readonly #slots = new Map<string, number>();

  constructor(words: Uint32Array) {
    this.cells = new CounterCells(words);
    this.routes = new NamedRows(this.cells, PARTS.routes, SHAPES.routes);
    this.mounts = new NamedRows(this.cells, PARTS.mounts, SHAPES.mounts);
    this.arenas = new NamedRows(this.cells, PARTS.arenas, SHAPES.arenas);
    this.paths = new NamedRows(this.cells, PARTS.paths, SHAPES.paths);
  }

  // ---------------------------------------------------------------- the writer's side

  /**
   * Takes the block for this process. Counts of a worker that had it before go on: totals never fall, as
   * Prometheus asks of counters.
   */
  open(pid: number, startedAtSeconds: number): void {
    const { words } = this.cells;
    this.routes.read().forEach(({ name }, slot) => {
      this.#slots.set(name, slot);
    });
    if (this.#slots.size === 0) this.#slots.set(this.#named(OTHER_ROUTE, "(other)"), OTHER_ROUTE);
    for (const gauge of GAUGES) this.cells.set(GAUGE_CELL[gauge], 0);
    Atomics.store(words, BLOCK.pid, pid);
    Atomics.store(words, BLOCK.startedAt, startedAtSeconds);
    this.state = "serving";
  }

  #named(slot: number, name: string): string {
    this.routes.name(slot, name);
    return name;
  }

  get state(): WorkerState {
    return WORKER_STATES[Atomics.load(this.cells.words, BLOCK.state)] ?? "unused";
  }

  set state(state: WorkerState) {
    Atomics.store(this.cells.words, BLOCK.state, WORKER_STATES.indexOf(state));
  }

  get pid(): number {
    return Atomics.load(this.cells.words, BLOCK.pid);
  }

  count(counter: Counter, n: number): void {
    this.cells.add(COUNTER_CELL[counter], n);
  }

  gauge(gauge: Gauge, value: number): void {
    this.cells.set(GAUGE_CELL[gauge], Math.max(0, Math.round(value)));
  }

  /** Where a route is counted: its first cell; that of `(other)` when all places are taken. */
  cellOf(route: string): number {
    return this.routes.cell(this.#slotOf(route), 0);
  }

  #slotOf(route: string): number {
    let slot = this.#slots.get(route);
    if (slot === undefined) {
      slot = this.#slots.size < this.routes.capacity ? this.#slots.size : OTHER_ROUTE;
      if (slot !== OTHER_ROUTE) {
        this.routes.name(slot, route);
        this.#slots.set(route, slot);
      }
    }
    return slot;
  }

  received(bytes: number): void {
    this.cells.add(BYTES_IN, bytes);
  }

  sent(bytes: number): void {
    this.cells.add(BYTES_OUT, bytes);
  }

  /** One request is answered. @param route a {@link cellOf} */
  answered(status: number, route: number, bodyBytes: number): void {
    const { cells } = this;
    if (status >= STATUS_MIN && status <= STATUS_MAX) {
      cells.add(PARTS.statuses + (status - STATUS_MIN) * 2, 1);
      cells.add(route + ((status / 100) | 0) * 2, 1);
    } else {
      cells.add(route, 1);
    }
    if (bodyBytes > 0) cells.add(route + BODY_BYTES, bodyBytes);
  }

  /** The last byte of an answer was handed on. @param route a {@link cellOf} */
  timed(route: number, ms: number): void {
    const { cells } = this;
    const units = toUnits(ms);
    cells.add(PARTS.latency + bucketOf(units) * 2, 1);
    cells.add(route + LATENCY_UNITS, units);
  }

  lagged(ms: number): void {
    const units = toUnits(ms);
    this.cells.add(PARTS.lag + bucketOf(units) * 2, 1);
    this.cells.add(COUNTER_CELL.lagUnits, units);
  }

  publish(): void {
    this.cells.publish(BLOCK.sequence);
  }

  // ---------------------------------------------------------------- the reader's side

  read(worker: number): BlockReading {
    const { cells } = this;
    const { words } = cells;
    // Sees at least all that was counted before the writer's last publish().
    Atomics.load(words, BLOCK.sequence);
    const counters = {} as Record<Counter, number>;
    for (const name of COUNTERS) counters[name] = cells.read(COUNTER_CELL[name]);
    const gauges = {} as Record<Gauge, number>;
    for (const name of GAUGES) gauges[name] = cells.read(GAUGE_CELL[name]);
    const statuses: Record<number, number> = {};
    for (let status = STATUS_MIN; status <= STATUS_MAX; status++) {
      const count = cells.read(PARTS.statuses + (status - STATUS_MIN) * 2);
      if (count > 0) statuses[status] = count;
    }
    const routes = this.routes.read();
    const latencyUnits = routes.reduce((sum, { values }) => sum + values[LATENCY_UNITS / 2]!, 0);
    return {
      worker,
      pid: this.pid,
      state: this.state,
      startedAtMs: Atomics.load(words, BLOCK.startedAt) * 1000,
      counters,
      gauges,
      statuses,
      latency: this.#durations(PARTS.latency, latencyUnits),
      lag: this.#durations(PARTS.lag, counters.lagUnits),
      routes,
      mounts: this.mounts.read(),
      arenas: this.arenas.read(),
      paths: this.paths.read(),
    };
  }

  #durations(start: number, units: number): Durations {
    const counts = new Float64Array(BUCKETS);
    for (let i = 0; i < BUCKETS; i++) counts[i] = this.cells.read(start + i * 2);
    return new Durations(counts, units / UNITS_PER_MS);
  }
}

/** A block as it was found. */
export interface BlockReading {
  readonly worker: number;
  readonly pid: number;
  readonly state: WorkerState;
  readonly startedAtMs: number;
  readonly counters: Readonly<Record<Counter, number>>;
  readonly gauges: Readonly<Record<Gauge, number>>;
  readonly statuses: Readonly<Record<number, number>>;
  readonly latency: Durations;
  readonly lag: Durations;
  readonly routes: ReturnType<NamedRows["read"]>;
  readonly mounts: ReturnType<NamedRows["read"]>;
  readonly arenas: ReturnType<NamedRows["read"]>;
  readonly paths: ReturnType<NamedRows["read"]>;
}
