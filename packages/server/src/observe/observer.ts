import { performance } from "node:perf_hooks";
import type { PlanMount, RequestHead, ResponsePlan } from "@tz/http1";
import type { RequestClient } from "../handlers/request-client.js";
import type { ServerCore } from "../server-core.js";
import type { TlsStats } from "../tls/tls-counts.js";
import type { AccessLog } from "./access-log.js";
import type { LogEntry } from "./log-line.js";
import { Meter } from "./meter.js";
import { PathSampler } from "./path-sampler.js";
import { areRequestsWatched } from "./request-channels.js";
import { RequestEvent } from "./request-event.js";
import type { StatsBlock } from "./stats-block.js";
import type { StatsOptions } from "./stats-options.js";

/** Answers that wait for one flush; more are timed as of now. */
const BATCHED_MAX = 1024;
/** Nobody claimed it. */
const NO_ROUTE = "(none)";
const HANDLER = "(handler)";
/** What came was no request, or none came in time. */
const REFUSED = "(refused)";

/** What is told of one request when it is over. */
interface Account {
  /** What the access log will say of it. */
  readonly entry: LogEntry | undefined;
  /** What subscribers are told. */
  readonly event: RequestEvent | undefined;
}

/** A request whose answer was not complete within the call that read it. */
interface Flight {
  readonly startMs: number;
  readonly route: number;
  /** What one short write held back beside it. */
  before: Flight | undefined;
  readonly account: Account | undefined;
}

/**
 * Counts what the connections of one loop do, into one block. A request that is answered within the call that read
 * it costs a few stores, one reading of the clock, and no object.
 *
 * ```
 *   began ─▶ route │ mount ─┬▶ answered ───────────────▶ flushed          within one call
 *                           ├▶ wait … answered ────────▶ flushed          a handler's promise
 *                           └▶ answered ─▶ heldBack … ──▶ finished        a slow client, a file, a stream
 *   closed: whatever of the connection is not finished was aborted
 * ```
 */
export class Observer {
  readonly #core: ServerCore;
  readonly block: StatsBlock;
  readonly #open = new Map<RequestClient, Flight>();
  #lastMount: PlanMount | undefined;
  #lastMountCell = 0;
  #lastPattern = "";
  #lastPatternCell = 0;
  readonly #noRoute: number;
  readonly #refused: number;
  /** Where the request that is being answered in this call is counted. */
  #route: number;
  readonly #batched = new Uint32Array(BATCHED_MAX);
  #batchedCount = 0;
  #batchedFlights: Flight[] = [];
  readonly #paths: PathSampler | undefined;
  readonly #meter: Meter;
  readonly #log: AccessLog | undefined;
  /** Of the request that is being answered in this call. */
  #account: Account | undefined;

  constructor(
    core: ServerCore,
    block: StatsBlock,
    { paths, arenas }: StatsOptions,
    log: AccessLog | undefined,
    tls: TlsStats,
  ) {
    this.#core = core;
    this.#log = log;
    this.block = block;
    block.open(process.pid, Math.floor(Date.now() / 1000));
    this.#noRoute = block.cellOf(NO_ROUTE);
    this.#refused = block.cellOf(REFUSED);
    this.#route = this.#refused;
    this.#paths = paths ? new PathSampler() : undefined;
    this.#meter = new Meter(core, block, arenas, this.#paths, tls);
  }

  /** Brings the figures that are looked at once a second up to date. */
  measure(): void {
    this.#meter.measure();
  }

  draining(): void {
    this.block.state = "draining";
  }

  close(): void {
    this.#meter.close();
    this.block.state = "ended";
  }

  accepted(): void {
    this.block.count("accepted", 1);
  }

  received(bytes: number): void {
    this.block.received(bytes);
  }

  sent(bytes: number): void {
    if (bytes > 0) this.block.sent(bytes);
  }

  /** A connection that was not, or no longer, HTTP is gone. */
  disconnected(): void {
    this.block.count("closed", 1);
  }

  /** @param client of the request that failed, if it was one */
  errored(error: unknown, client: RequestClient | undefined): void {
    this.block.count("errors", 1);
    if (client === undefined) return;
    const account = this.#open.has(client) ? this.#open.get(client)!.account : this.#account;
    account?.event?.failed(error);
  }

  /** A request was read. @returns what subscribers are told, if there are any: its answer is made within it */
  began(head: RequestHead, client: RequestClient, isHttp2 = false): RequestEvent | undefined {
    this.#route = this.#noRoute;
    this.#paths?.note(head);
    const entry = this.#log?.begin(head, client, isHttp2);
    const event = areRequestsWatched() ? new RequestEvent(this.#core, head, client, isHttp2) : undefined;
    this.#account = entry === undefined && event === undefined ? undefined : { entry, event };
    return event;
  }

  /** Nobody but the server's one handler takes it. */
  handler(): void {
    this.#count(HANDLER);
  }

  route(pattern: string): void {
    this.#count(pattern);
    if (this.#account?.event !== undefined) this.#account.event.route = pattern;
  }

  #count(pattern: string): void {
    if (pattern !== this.#lastPattern) {
      this.#lastPattern = pattern;
      this.#lastPatternCell = this.block.cellOf(pattern);
    }
    this.#route = this.#lastPatternCell;
  }

  mount(mount: PlanMount): void {
    if (mount !== this.#lastMount) {
      this.#lastMount = mount;
      this.#lastMountCell = this.block.cellOf(routeOf(mount));
    }
    this.#route = this.#lastMountCell;
    if (this.#account?.event !== undefined) this.#account.event.route = routeOf(mount);
  }

  /** A handler works on the request that was just read. */
  wait(client: RequestClient): void {
    this.#open.set(client, this.#flight(this.#route, this.#account));
    this.#route = this.#refused;
    this.#account = undefined;
  }

  /**
   * @param isHead the answer goes without its body
   * @param complete the whole answer is in the batch
   */
  answered(client: RequestClient, plan: ResponsePlan, isHead: boolean, complete: boolean): void {
    const flight = this.#open.size === 0 ? undefined : this.#open.get(client);
    const route = flight?.route ?? this.#route;
    this.#route = this.#refused;
    const account = this.#accountOf(client, flight, route);
    if (account !== undefined) {
      const { status } = plan.head;
      const length = isHead ? 0 : loggedBytes(plan);
      const { entry, event } = account;
      if (entry !== undefined) {
        entry.status = status;
        entry.bodyBytes = length;
      }
      if (event !== undefined) {
        event.status = status;
        event.bodyBytes = length;
      }
    }
    this.block.answered(plan.head.status, route, isHead ? 0 : bodyBytes(plan));
    if (!complete) {
      if (flight === undefined) {
        this.#open.set(client, this.#flight(route, account));
      }
    } else if (flight === undefined && account !== undefined) {
      this.#batchedFlights.push(this.#flight(route, account));
    } else if (flight === undefined) {
      if (this.#batchedCount === BATCHED_MAX) this.flushed();
      this.#batched[this.#batchedCount++] = route;
    } else {
      this.#open.delete(client);
      this.#batchedFlights.push(flight);
    }
  }

  /**
   * The batch waits for the end of the loop's turn, and those of other connections are sent before it.
   * @returns where its one answer is counted, for {@link takeUp}; `-1` when it holds more than that
   */
  setAside(): number {
    if (this.#batchedCount !== 1 || this.#batchedFlights.length > 0) return -1;
    this.#batchedCount = 0;
    return this.#batched[0]!;
  }

  /** The batch holds the answer again that was set aside. */
  takeUp(route: number): void {
    this.#batched[0] = route;
    this.#batchedCount = 1;
  }

  /** The connection of what is in the batch went while that was set aside. */
  dropped(): void {
    this.block.count("aborted", this.#batchedCount);
    this.#batchedCount = 0;
  }

  /** All that was in the batch has left. */
  flushed(): void {
    const flights = this.#batchedFlights;
    if (this.#batchedCount === 0 && flights.length === 0) return;
    const { block } = this;
    const now = performance.now();
    const tookMs = now - this.#core.loop.nowMs;
    for (let i = 0; i < this.#batchedCount; i++) block.timed(this.#batched[i]!, tookMs);
    this.#batchedCount = 0;
    if (flights.length > 0) {
      for (const flight of flights) this.#end(flight, now);
      this.#batchedFlights = [];
    }
  }

  /** The kernel took less than the batch: its answers end when the connection's queue is empty. */
  heldBack(client: RequestClient): void {
    const startMs = this.#core.loop.nowMs;
    // What is open came later than what is in the batch.
    const open = this.#open.get(client);
    let before = open?.before;
    for (let i = 0; i < this.#batchedCount; i++) {
      before = { startMs, route: this.#batched[i]!, before, account: undefined };
    }
    for (const flight of this.#batchedFlights) before = { ...flight, before };
    this.#batchedCount = 0;
    this.#batchedFlights = [];
    if (open !== undefined) open.before = before;
    else if (before !== undefined) this.#open.set(client, before);
  }

  /** What was held back has left; a handler still works on the request behind it. */
  caughtUp(client: RequestClient): void {
    const open = this.#open.get(client);
    if (open?.before === undefined) return;
    this.#end(open.before, performance.now());
    open.before = undefined;
  }

  /** The last byte of a queued or streamed answer has left. */
  finished(client: RequestClient): void {
    const flight = this.#open.get(client);
    if (flight === undefined) return;
    this.#open.delete(client);
    this.#end(flight, performance.now());
  }

  /** The connection is gone. */
  closed(client: RequestClient): void {
    this.block.count("closed", 1);
    const batched = this.#batchedCount + this.#batchedFlights.length;
    for (const flight of this.#batchedFlights) this.#tellAborted(flight);
    this.#batchedCount = 0;
    this.#batchedFlights = [];
    if (batched > 0) this.block.count("aborted", batched);
    this.aborted(client);
  }

  /** The client does not take what it has asked for. */
  aborted(client: RequestClient): void {
    let lost = 0;
    for (let flight = this.#open.get(client); flight !== undefined; flight = flight.before) {
      lost++;
      this.#tellAborted(flight);
    }
    this.#open.delete(client);
    if (lost > 0) this.block.count("aborted", lost);
  }

  #flight(route: number, account: Account | undefined): Flight {
    return { startMs: this.#core.loop.nowMs, route, before: undefined, account };
  }

  /** What is answered without having begun was no request. */
  #accountOf(client: RequestClient, flight: Flight | undefined, route: number): Account | undefined {
    if (flight !== undefined) return flight.account;
    if (route === this.#refused) {
      const entry = this.#log?.refused(client);
      return entry === undefined ? undefined : { entry, event: undefined };
    }
    const account = this.#account;
    this.#account = undefined;
    return account;
  }

  #tellAborted({ account }: Flight): void {
    if (account !== undefined) this.#tell(account, performance.now(), true);
  }

  #tell({ entry, event }: Account, now: number, aborted: boolean): void {
    if (entry !== undefined) this.#log?.end(entry, now, aborted);
    event?.end(now, aborted);
  }

  #end(flight: Flight, now: number): void {
    for (let one: Flight | undefined = flight; one !== undefined; one = one.before) {
      this.block.timed(one.route, now - one.startMs);
      if (one.account !== undefined) this.#tell(one.account, now, false);
    }
  }
}

function routeOf({ prefix }: PlanMount): string {
  return `${prefix.replace(/\/$/, "")}/*`;
}

/** Of the answer as it was planned; a stream without a length has none. */
function bodyBytes({ packed, body }: ResponsePlan): number {
  if (packed !== undefined) return packed.byteLength - packed.headByteLength;
  if (body.kind === "bytes") return body.bytes.byteLength;
  if (body.kind === "none") return 0;
  return body.length ?? 0;
}

/** `undefined` where the length is known only at the end. */
function loggedBytes(plan: ResponsePlan): number | undefined {
  const { head, body } = plan;
  if (head.status === 204 || head.status === 304) return 0;
  return body.kind === "stream" && body.length === undefined ? undefined : bodyBytes(plan);
}
