import type { ChildProcess } from "node:child_process";
import { ServerError } from "../errors.js";
import type { BindAddress } from "../loop/loop.js";
import { type DrainOrder, isOurs, type TlsMessage, type ToSupervisor, type ToWorker } from "./messages.js";
import type { WorkerEnd } from "./worker-events.js";

/** How much longer than it was told to drain a worker may live. */
const KILL_MARGIN_MS = 2000;

/** One worker as its supervisor sees it. */
export class WorkerProcess {
  readonly child: ChildProcess;
  readonly slot: number;
  readonly generation: number;
  readonly pid: number;
  readonly startedMs = performance.now();
  state: "starting" | "ready" | "draining" | "gone" = "starting";
  /** When it last said that its loop turns. */
  seenMs = performance.now();
  connections = 0;
  address: BindAddress | undefined;
  descriptorLimit = Number.POSITIVE_INFINITY;
  /** Resolves when it listens; rejects when it ends before. */
  readonly ready: Promise<void>;
  readonly gone: Promise<void>;
  code: number | null = null;
  signal: NodeJS.Signals | null = null;
  /** Whose sockets it accepts from beside its own. */
  readonly standsInFor = new Set<number>();
  onReloadWanted: () => void = () => {};
  onRotationWanted: () => void = () => {};
  /** It asks for the TLS that workers share, and hears of changes from then on. */
  onTlsWanted: () => void = () => {};
  hearsOfTls = false;
  /** Of each change that it was told of, in order: what it said to it. */
  readonly #tlsAnswers: ((error: string | undefined) => void)[] = [];
  #why: WorkerEnd = "exited";
  #failure: { readonly code: string | undefined; readonly message: string } | undefined;
  #killTimer: NodeJS.Timeout | undefined;
  #killAtMs = Number.POSITIVE_INFINITY;

  constructor(child: ChildProcess, slot: number, generation: number, startTimeoutMs: number) {
    this.child = child;
    this.slot = slot;
    this.generation = generation;
    this.pid = child.pid ?? 0;
    const startTimer = setTimeout(() => this.kill("start-timeout"), startTimeoutMs);
    let endGone = (): void => {};
    this.gone = new Promise((resolve) => {
      endGone = resolve;
    });
    this.ready = new Promise((resolve, reject) => {
      child.on("message", (message) => {
        if (!isOurs<ToSupervisor>(message)) return;
        this.seenMs = performance.now();
        if (message.tz === "alive") this.connections = message.connections;
        else if (message.tz === "reload") this.onReloadWanted();
        else if (message.tz === "rotate-ticket-keys") this.onRotationWanted();
        else if (message.tz === "tls?") {
          this.hearsOfTls = true;
          this.onTlsWanted();
        } else if (message.tz === "tls-taken") this.#tlsAnswers.shift()?.(message.error);
        else if (message.tz === "failed") this.#failure = message;
        else if (message.tz === "ready" && this.state === "starting") {
          clearTimeout(startTimer);
          this.address = message.address;
          this.descriptorLimit = message.limit;
          this.state = "ready";
          resolve();
        }
      });
      // The program cannot be started; a failed `send` comes here too and is no news.
      child.on("error", (error) => {
        if (child.pid !== undefined) return;
        this.#failure = { code: (error as NodeJS.ErrnoException).code, message: error.message };
        ended(null, null);
      });
      const ended = (code: number | null, signal: NodeJS.Signals | null): void => {
        if (this.state === "gone") return;
        clearTimeout(startTimer);
        clearTimeout(this.#killTimer);
        this.code = code;
        this.signal = signal;
        this.state = "gone";
        this.connections = 0;
        reject(this.#endError());
        endGone();
      };
      child.once("exit", ended);
    });
    // Whoever waits for it handles it.
    this.ready.catch(() => {});
  }

  get why(): WorkerEnd {
    return this.#why;
  }

  send(message: ToWorker): void {
    if (this.child.connected) this.child.send(message, () => {});
  }

  /** @returns why it could not heed the change; `undefined` when it did, or ended meanwhile */
  changeTls(message: TlsMessage): Promise<string | undefined> {
    const answer = new Promise<string | undefined>((resolve) => this.#tlsAnswers.push(resolve));
    this.send(message);
    return Promise.race([answer, this.gone.then(() => undefined)]);
  }

  /** Lets it finish what it is doing and end. Told again, it has the shorter time of the two. */
  drain(order: DrainOrder): void {
    if (this.state === "gone") return;
    if (this.state === "starting") {
      this.kill("retired");
      return;
    }
    if (this.state === "ready") {
      this.state = "draining";
      this.#why = "retired";
      this.send({ tz: "drain", ...order });
    }
    const delayMs = order.timeoutMs + order.idleGraceMs + KILL_MARGIN_MS;
    const atMs = performance.now() + delayMs;
    if (atMs >= this.#killAtMs) return;
    this.#killAtMs = atMs;
    clearTimeout(this.#killTimer);
    this.#killTimer = setTimeout(() => this.kill("drain-timeout"), delayMs);
  }

  kill(why: WorkerEnd): void {
    if (this.state === "gone") return;
    this.#why = why;
    this.child.kill("SIGKILL");
  }

  #endError(): Error {
    const end = this.signal === null ? `code ${this.code}` : this.signal;
    const why = this.#failure?.message ?? (this.#why === "exited" ? end : `${this.#why}, ${end}`);
    const error = new ServerError(
      "TZ_SERVER_WORKER",
      `worker ${this.slot} (process ${this.pid}) ended before it listened: ${why}`,
    );
    // What the worker failed with, for those who look for the reason (EADDRINUSE and the like).
    if (this.#failure?.code !== undefined) {
      error.cause = Object.assign(new Error(this.#failure.message), { code: this.#failure.code });
    }
    return error;
  }
}
