import type { ChildProcess } from "node:child_process";
import { isSupported } from "@tz/sys";
import { ServerError } from "../errors.js";
import type { BindAddress, LoopKind } from "../loop/loop.js";
import type { TlsOptions } from "../tls/tls-options.js";
import { GenerationMemories } from "./generation-memory.js";
import {
  confirmTakeOver,
  FIRST_CHILD_FD,
  GIVEN_HOST,
  HAND_OVER_VARIABLE,
  type HandedOver,
} from "./hand-over.js";
import { clusterLauncher, InheritingLauncher, type Launcher, pinned } from "./launcher.js";
import { ListeningSockets } from "./listening-sockets.js";
import { type DrainOrder, isOurs, type TakenOver } from "./messages.js";
import { raiseOpenFileLimit, warnOfFewDescriptors } from "./open-files.js";
import { type OwnListener, ownListeners } from "./own-listeners.js";
import { type PortReservation, reserveFreePort } from "./port-reservation.js";
import { forbidNewPrivileges, type PrivilegeOptions } from "./privileges.js";
import { restartDelayMs } from "./restart-delay.js";
import type { SharedTls } from "./shared-tls.js";
import type { SocketFileOptions } from "./socket-file.js";
import { notifyServiceManager, reloadingAssignments, watchdogMs } from "./systemd.js";
import { tlsMessage } from "./tls-snapshot.js";
import { publishWorkerEvent, type WorkerEvent } from "./worker-events.js";
import type { ResolvedWorkers } from "./worker-options.js";
import { WorkerProcess } from "./worker-process.js";

export interface SupervisorInit extends SocketFileOptions, PrivilegeOptions {
  readonly loop: LoopKind;
  readonly host: string;
  readonly port: number;
  readonly fds: readonly number[] | undefined;
  readonly backlog: number;
  readonly maxConnections: number;
  readonly workers: ResolvedWorkers;
  /** The TLS of all workers; `undefined` without. */
  readonly tls: SharedTls | undefined;
  /** Memory for all workers. */
  readonly memory: { readonly fd: number; readonly byteLength: number } | undefined;
  /** A worker has ended: what it held in the shared memory can be given back. */
  readonly onWorkerGone: (worker: Pick<WorkerProcess, "slot" | "generation" | "pid">) => void;
}

export interface WorkerStats {
  readonly slot: number;
  readonly pid: number;
  readonly generation: number;
  readonly state: WorkerProcess["state"];
  readonly connections: number;
}

/** One place: a worker, or the wait for its successor. */
interface Slot {
  current: WorkerProcess | undefined;
  /** Workers in a row that ended soon after their start. */
  failures: number;
  restartTimer: NodeJS.Timeout | undefined;
}

/** How often in `blockedMs` a worker says that its loop turns. */
const SIGNS_PER_PERIOD = 4;

/**
 * Holds the sockets, starts workers and replaces them.
 *
 * ```
 *                        ┌──▶ worker 0, generation 1   accepts from socket 0
 *   supervisor ──spawn───┤
 *    sockets 0 … n-1     └──▶ worker 1, generation 1   accepts from socket 1
 *
 *   a worker ends     a sibling accepts from its socket until the successor is ready
 *   reload            generation 2 starts on the same sockets; when all of it is ready, generation 1 drains
 *   hand over         another supervisor gets the sockets; when it serves, this one drains and ends
 * ```
 */
export class Supervisor {
  readonly #init: SupervisorInit;
  readonly #options: ResolvedWorkers;
  readonly #slots: Slot[];
  readonly #launcher: Launcher;
  readonly #sockets: ListeningSockets | undefined;
  /** Keeps the port that was chosen for workers of node:cluster, also while none of them listens. */
  #reservation: PortReservation | undefined;
  /** What drains: of generations before, and of this one when it closes. */
  readonly #retiring = new Set<WorkerProcess>();
  /** The next generation, until it serves. */
  #fresh: readonly WorkerProcess[] = [];
  #address: BindAddress;
  #generation = 1;
  #watchTimer: NodeJS.Timeout | undefined;
  #watchdogTimer: NodeJS.Timeout | undefined;
  #watchedMs = performance.now();
  #reloading: Promise<void> | undefined;
  #nextReload: Promise<void> | undefined;
  #handingOver: Promise<number> | undefined;
  #state: "starting" | "serving" | "closing" = "starting";
  readonly #signals: [NodeJS.Signals, () => void][] = [];
  readonly #memories: GenerationMemories;

  private constructor(init: SupervisorInit, launcher: Launcher, sockets: ListeningSockets | undefined) {
    this.#init = init;
    this.#options = init.workers;
    this.#launcher = launcher;
    this.#sockets = sockets;
    this.#memories = new GenerationMemories(sockets !== undefined);
    this.#address = sockets?.address ?? { host: init.host, port: init.port };
    this.#slots = Array.from({ length: init.workers.count }, () => ({
      current: undefined,
      failures: 0,
      restartTimer: undefined,
    }));
  }

  /**
   * Binds, starts the workers and resolves when all of them listen.
   * @throws SysError `EADDRINUSE` …; ServerError `TZ_SERVER_WORKER` when one of them ends before
   */
  static async start(init: SupervisorInit): Promise<Supervisor> {
    raiseOpenFileLimit();
    forbidNewPrivileges(init);
    const { host, port, backlog, fds: given, memory, workers } = init;
    let supervisor: Supervisor;
    if (init.loop === "epoll") {
      const sockets = await ListeningSockets.open({
        ...init,
        host,
        port,
        backlog,
        given,
        count: workers.count,
      });
      supervisor = new Supervisor(init, new InheritingLauncher({ fds: sockets.fds, memory }), sockets);
    } else {
      if (given !== undefined || host.includes("/")) {
        throw new ServerError(
          "TZ_SERVER_OPTION",
          `workers on the node loop listen on a host and a port, not on ${given === undefined ? host : "given sockets"}`,
        );
      }
      const launcher = await clusterLauncher(memory);
      // All generations ask node:cluster for one port by its number.
      const reservation = port === 0 ? await reserveFreePort(host) : undefined;
      supervisor = new Supervisor({ ...init, port: reservation?.port ?? port }, launcher, undefined);
      supervisor.#reservation = reservation;
    }
    try {
      await supervisor.#begin();
    } catch (error) {
      await supervisor.close({ timeoutMs: 0, idleGraceMs: 0 });
      throw error;
    }
    return supervisor;
  }

  get address(): BindAddress {
    return this.#address;
  }

  get stats(): WorkerStats[] {
    const current = this.#slots.flatMap(({ current }) => (current === undefined ? [] : [current]));
    return [...current, ...this.#retiring].map(({ slot, pid, generation, state, connections }) => ({
      slot,
      pid,
      generation,
      state,
      connections,
    }));
  }

  /**
   * Starts a new generation of workers, which read program, configuration and certificates anew, and lets the old one
   * drain once all of the new one listen. A call during a reload waits for it and then reloads once more.
   * @throws ServerError `TZ_SERVER_WORKER` when a new worker does not start: the old generation goes on
   */
  reload(): Promise<void> {
    if (this.#state !== "serving") {
      return Promise.reject(new ServerError("TZ_SERVER_STATE", `reload() while ${this.#state}`));
    }
    if (this.#reloading === undefined) {
      this.#reloading = this.#reload().finally(() => {
        this.#reloading = undefined;
      });
      return this.#reloading;
    }
    // All who ask meanwhile share the next one: it starts after each of them asked.
    this.#nextReload ??= this.#reloading
      .catch(() => {})
      .then(() => {
        this.#nextReload = undefined;
        return this.reload();
      });
    return this.#nextReload;
  }

  /**
   * Starts this program once more (the file may be a new one), hands it the sockets, and drains once it serves.
   * @returns the process that serves now; this one is to end
   * @throws ServerError `TZ_SERVER_STATE`, `TZ_SERVER_WORKER` when the new program does not start: this one goes on
   */
  handOver(): Promise<number> {
    this.#handingOver ??= this.#handOver().finally(() => {
      this.#handingOver = undefined;
    });
    return this.#handingOver;
  }

  /** The workers go on as before but say that they are not ready: balancers send their requests elsewhere. */
  unready(): void {
    for (const { current } of this.#slots) current?.send({ tz: "unready" });
  }

  /** Accepts no more, lets the workers finish, and resolves when the last one is gone. */
  async close(order: DrainOrder): Promise<void> {
    if (this.#state === "closing") return;
    const wasServing = this.#state === "serving";
    this.#state = "closing";
    if (wasServing) notifyServiceManager("STOPPING=1");
    // First, so that clients are refused at once instead of waiting for nothing.
    this.#sockets?.close();
    this.#reservation?.release();
    await this.#retireAll(order);
  }

  /** @throws ServerError `TZ_SERVER_OPTION`, then nothing has changed */
  reloadTls(options: Partial<TlsOptions>): void {
    this.#init.tls?.reload(options, this.#generation);
  }

  /** Tells all workers of what is new, and everybody when all of them have it. */
  async #spreadTls(tls: SharedTls, what: "certificates" | "ticket-keys"): Promise<void> {
    const all = [...this.#slots.map(({ current }) => current), ...this.#retiring, ...this.#fresh];
    const answers = all.map(async (worker) => {
      if (worker?.hearsOfTls !== true) return undefined;
      return worker.changeTls(tlsMessage(tls.snapshot(worker.generation)));
    });
    const failure = (await Promise.all(answers)).find((error) => error !== undefined);
    if (failure === undefined) this.#tell({ kind: "tls-updated", what });
    else this.#tell({ kind: "tls-update-failed", error: new ServerError("TZ_SERVER_WORKER", failure) });
  }

  async #begin(): Promise<void> {
    const { tls } = this.#init;
    // From now until the last worker is gone: by default they end a process that starts, or that lets others finish.
    if (this.#options.signals) this.#listenToSignals();
    if (tls !== undefined) tls.onChange = (what) => void this.#spreadTls(tls, what);
    const first = this.#slots.map((_, index) => this.#launch(index));
    this.#slots.forEach((slot, index) => {
      slot.current = first[index];
    });
    await Promise.all(first.map((worker) => worker.ready));
    this.#address = this.#sockets?.address ?? first[0]!.address!;
    this.#state = "serving";
    const { blockedMs } = this.#options;
    if (blockedMs > 0) {
      this.#watchedMs = performance.now();
      this.#watchTimer = setInterval(() => this.#watch(), this.#aliveMs);
    }
    const everyMs = watchdogMs();
    if (everyMs > 0) this.#watchdogTimer = setInterval(() => this.#feedWatchdog(), everyMs);
    notifyServiceManager("READY=1", `STATUS=${this.#slots.length} workers`);
    confirmTakeOver();
  }

  get #aliveMs(): number {
    return Math.ceil(this.#options.blockedMs / SIGNS_PER_PERIOD);
  }

  /** What comes of them is told by events; while it does not serve, nothing. */
  #listenToSignals(): void {
    this.#on("SIGHUP", () => void this.reload().catch(() => {}));
    this.#on("SIGUSR2", () => {
      if (this.#state !== "serving") return;
      this.handOver().then(
        () => process.exit(0),
        () => {},
      );
    });
  }

  #on(signal: NodeJS.Signals, listener: () => void): void {
    process.on(signal, listener);
    this.#signals.push([signal, listener]);
  }

  #launch(index: number, generation = this.#generation): WorkerProcess {
    const { startTimeoutMs, drainTimeoutMs, idleGraceMs, pin, blockedMs } = this.#options;
    const { host, port } = this.#address;
    const { tls } = this.#init;
    const role = {
      slot: index,
      count: this.#slots.length,
      generation,
      host,
      port,
      aliveMs: blockedMs > 0 ? this.#aliveMs : 0,
      drainTimeoutMs,
      idleGraceMs,
      sharesTls: tls !== undefined,
    };
    const start = (): ChildProcess => this.#launcher.launch(role, this.#memories.fdOf(generation));
    const child = pin && isSupported().supported ? pinned(index, start) : start();
    const worker = new WorkerProcess(child, index, generation, startTimeoutMs);
    const { slot, pid } = worker;
    this.#tell({ kind: "started", slot, pid, generation });
    worker.onReloadWanted = () => void this.reload().catch(() => {});
    if (tls !== undefined) {
      worker.onTlsWanted = () => worker.send(tlsMessage(tls.snapshot(generation)));
      worker.onRotationWanted = () => tls.rotateKeys();
    }
    void worker.ready.then(
      () => this.#onReady(worker),
      () => {},
    );
    void worker.gone.then(() => this.#onGone(worker));
    return worker;
  }

  #onReady(worker: WorkerProcess): void {
    const { slot, pid, generation, descriptorLimit } = worker;
    this.#tell({ kind: "ready", slot, pid, generation });
    warnOfFewDescriptors(descriptorLimit, this.#init.maxConnections);
    if (this.#slots[slot]!.current === worker) this.#standDown(slot);
  }

  #onGone(worker: WorkerProcess): void {
    const { slot: index, pid, generation, why, code, signal } = worker;
    this.#tell({ kind: "ended", slot: index, pid, generation, why, code, signal });
    this.#init.onWorkerGone(worker);
    this.#retiring.delete(worker);
    this.#recover(generation);
    const slot = this.#slots[index]!;
    // Of an old or a new generation, or before the first one serves: whoever waits for it acts.
    if (slot.current !== worker || this.#state !== "serving") return;
    slot.current = undefined;
    const livedMs = performance.now() - worker.startedMs;
    slot.failures = livedMs < this.#options.stableMs ? slot.failures + 1 : 1;
    const delayMs = restartDelayMs(slot.failures, this.#options.restartDelayMsMax);
    if (delayMs > 0) this.#tell({ kind: "backoff", slot: index, failures: slot.failures, delayMs });
    for (const orphan of [index, ...worker.standsInFor]) this.#standIn(orphan);
    slot.restartTimer = setTimeout(() => {
      slot.restartTimer = undefined;
      slot.current = this.#launch(index);
    }, delayMs);
  }

  /** Who shares memory with a worker that is gone gives back what it held. */
  #recover(generation: number): void {
    const sibling = this.#slots.find(
      ({ current }) => current?.state === "ready" && current.generation === generation,
    );
    sibling?.current?.send({ tz: "recover" });
  }

  /** Somebody else accepts for a worker that is gone, so that nobody waits for its successor. */
  #standIn(index: number): void {
    if (this.#sockets === undefined) return;
    const ready = this.#slots.flatMap(({ current }) => (current?.state === "ready" ? [current] : []));
    const [sibling] = ready.sort((a, b) => a.standsInFor.size - b.standsInFor.size);
    sibling?.standsInFor.add(index);
    sibling?.send({ tz: "stand-in", slot: index });
  }

  #standDown(index: number): void {
    for (const { current } of this.#slots) {
      if (current?.standsInFor.delete(index)) current.send({ tz: "stand-down", slot: index });
    }
  }

  /** Kills what has not said for too long that its loop turns. */
  #watch(): void {
    const nowMs = performance.now();
    const lateMs = nowMs - this.#watchedMs - this.#aliveMs;
    this.#watchedMs = nowMs;
    const all = [...this.#slots.map(({ current }) => current), ...this.#retiring];
    for (const worker of all) {
      if (worker === undefined || (worker.state !== "ready" && worker.state !== "draining")) continue;
      // We stood still ourselves (a stopped process, a sleeping machine): their messages are still unread.
      if (lateMs > this.#aliveMs) worker.seenMs = nowMs;
      else if (nowMs - worker.seenMs > this.#options.blockedMs) worker.kill("blocked");
    }
  }

  #feedWatchdog(): void {
    if (this.#slots.some(({ current }) => current?.state === "ready")) notifyServiceManager("WATCHDOG=1");
  }

  async #reload(): Promise<void> {
    // One old generation at a time: memory for two of them is what a reload may take.
    await Promise.all([...this.#retiring].map((worker) => worker.gone));
    if (this.#state !== "serving") throw new ServerError("TZ_SERVER_STATE", `reload() while ${this.#state}`);
    const generation = this.#generation + 1;
    this.#tell({ kind: "reloading", generation });
    notifyServiceManager(...reloadingAssignments());
    const fresh = this.#slots.map((_, index) => this.#launch(index, generation));
    this.#fresh = fresh;
    try {
      await Promise.all(fresh.map((worker) => worker.ready));
      // One may have listened and ended while another was still on its way.
      const ended = fresh.find((worker) => worker.state === "gone");
      if (ended !== undefined) throw workerEnded(ended);
      if (this.#state !== "serving")
        throw new ServerError("TZ_SERVER_STATE", `reload() while ${this.#state}`);
    } catch (error) {
      this.#memories.drop(generation);
      await this.#giveUp(fresh);
      this.#tell({ kind: "reload-failed", error: error as Error });
      notifyServiceManager("READY=1", "STATUS=reload failed, the old workers go on");
      throw error;
    } finally {
      this.#fresh = [];
    }
    // The old workers have it mapped; no other one of theirs will start.
    this.#memories.drop(this.#generation);
    this.#generation = generation;
    this.#slots.forEach((slot, index) => {
      clearTimeout(slot.restartTimer);
      const old = slot.current;
      slot.restartTimer = undefined;
      slot.current = fresh[index];
      slot.failures = 0;
      if (old !== undefined) this.#retire(old, this.#drainOrder);
    });
    this.#tell({ kind: "reloaded", generation });
    notifyServiceManager("READY=1", `STATUS=${this.#slots.length} workers, generation ${generation}`);
  }

  /** Of a generation that does not become the current one: those that listen may have requests to finish. */
  async #giveUp(fresh: readonly WorkerProcess[]): Promise<void> {
    const isClosing = this.#state !== "serving";
    const ended = fresh.map((worker) => {
      if (worker.state === "ready" && !isClosing) {
        this.#retire(worker, this.#drainOrder);
        return undefined;
      }
      worker.kill("retired");
      return worker.gone;
    });
    await Promise.all(ended);
  }

  get #drainOrder(): DrainOrder {
    return { timeoutMs: this.#options.drainTimeoutMs, idleGraceMs: this.#options.idleGraceMs };
  }

  #retire(worker: WorkerProcess, order: DrainOrder): void {
    if (worker.state === "gone") return;
    this.#retiring.add(worker);
    worker.drain(order);
  }

  async #handOver(): Promise<number> {
    const sockets = this.#sockets;
    const start = this.#launcher.successor?.bind(this.#launcher);
    if (this.#state !== "serving" || sockets === undefined || start === undefined) {
      const why = sockets === undefined ? "on the node loop" : `while ${this.#state}`;
      const error = new ServerError("TZ_SERVER_STATE", `sockets cannot be handed over ${why}`);
      this.#tell({ kind: "hand-over-failed", error });
      throw error;
    }
    const own = [...ownListeners];
    const child = start(
      { [HAND_OVER_VARIABLE]: JSON.stringify(this.#handedOver(sockets, own)) },
      own.map(({ fd }) => fd),
    );
    const pid = child.pid ?? 0;
    try {
      await takenOver(child, this.#init.tls);
    } catch (error) {
      this.#tell({ kind: "hand-over-failed", error: error as Error });
      throw error;
    }
    this.#state = "closing";
    notifyServiceManager(`MAINPID=${pid}`);
    sockets.abandon();
    const order = this.#drainOrder;
    await Promise.all([this.#retireAll(order), ...own.map((listener) => listener.handedOver(order))]);
    this.#tell({ kind: "handed-over", pid });
    return pid;
  }

  /** Under the names by which the successor asks, with the numbers that its process will have. */
  #handedOver(sockets: ListeningSockets, own: readonly OwnListener[]): HandedOver[] {
    let next = FIRST_CHILD_FD;
    const fds = sockets.fds.map((ofAddress) => ofAddress.map(() => next++));
    const { host, port, fds: given, tls } = this.#init;
    const sharesTls = tls !== undefined;
    const name = given === undefined ? { host, port } : { host: GIVEN_HOST, port: 0 };
    return [
      { ...name, fds: fds.flat(), sharesTls },
      ...own.map(({ host, port }) => ({ host, port, fds: [next++], ofProcess: true })),
    ];
  }

  async #retireAll(order: DrainOrder): Promise<void> {
    this.#memories.dropAll();
    this.#init.tls?.close();
    clearInterval(this.#watchTimer);
    clearInterval(this.#watchdogTimer);
    // Those of the generation before may have been given more time than is left now.
    for (const worker of this.#retiring) worker.drain(order);
    for (const slot of this.#slots) {
      clearTimeout(slot.restartTimer);
      if (slot.current !== undefined) this.#retire(slot.current, order);
    }
    await Promise.all([...this.#retiring].map((worker) => worker.gone));
    for (const [signal, listener] of this.#signals) process.off(signal, listener);
  }

  #tell(event: WorkerEvent): void {
    publishWorkerEvent(event);
    this.#options.onEvent?.(event);
  }
}

function workerEnded({ slot, pid }: WorkerProcess): ServerError {
  return new ServerError("TZ_SERVER_WORKER", `worker ${slot} (process ${pid}) ended during the reload`);
}

/** Resolves when the new program serves. @throws ServerError `TZ_SERVER_WORKER` when it ends before */
function takenOver(child: ChildProcess, tls: SharedTls | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    child.on("message", (message) => {
      if (!isOurs<TakenOver | { tz: "tls?" }>(message)) return;
      if (message.tz === "taken-over") resolve();
      else if (message.tz === "tls?" && tls !== undefined) child.send(tlsMessage(tls.inheritance), () => {});
    });
    const failed = (why: string): void =>
      reject(new ServerError("TZ_SERVER_WORKER", `the new program ended before it served: ${why}`));
    child.once("error", (error) => failed(error.message));
    child.once("exit", (code, signal) => failed(signal ?? `code ${code}`));
  });
}
