import { F_DUPFD_CLOEXEC, fcntl, setCloseOnExec } from "@tz/sys";
import type { BindAddress, Listener } from "../loop/loop.js";
import { type DrainOrder, isOurs, type TlsMessage, type ToSupervisor, type ToWorker } from "./messages.js";
import { readTlsMessage, type TlsSnapshot } from "./tls-snapshot.js";
import { socketsOf, type WorkerRole } from "./worker-role.js";

/** The lowest number that a copy of a descriptor may get: above the standard ones. */
const COPY_FD_MIN = 3;

export interface AgentHost {
  /** Takes part in shared memory, reads what only a privileged process may read, and gives the privileges up. */
  prepare(): Promise<void>;
  /**
   * What the TLS of all workers has in common: before `prepare`, and whenever it changes.
   * @throws ServerError when it cannot be used: then everything is as it was
   */
  changeTls(tls: TlsSnapshot): void;
  /** Accepts from a socket that listens, or from the address when there is none. */
  listen(at: { readonly fd?: number; readonly host?: string; readonly port?: number }): Promise<Listener>;
  close(order: DrainOrder): Promise<void>;
  unready(): void;
  /** Gives back what a worker that is gone held in the memory that they share. */
  recover(): void;
  readonly connections: number;
  /** The process's open-file limit. */
  readonly descriptorLimit: number;
}

/**
 * The worker's side: takes its sockets, says that it lives, and ends when it is told to.
 *
 * ```
 *   listen ─▶ ready ─▶ alive, alive … ─▶ drain (an order, SIGTERM, or the supervisor is gone) ─▶ exit 0
 * ```
 */
export class WorkerAgent {
  readonly #role: WorkerRole;
  readonly #host: AgentHost;
  readonly #standIns = new Map<number, Promise<Listener[]>>();
  #alive: NodeJS.Timeout | undefined;
  #isEnding = false;

  constructor(role: WorkerRole, host: AgentHost) {
    this.#role = role;
    this.#host = host;
  }

  async start(fallback: BindAddress): Promise<BindAddress> {
    const { slot, count, fds, aliveMs } = this.#role;
    // A terminal tells the whole group, those that start too; what follows is the supervisor's to say.
    for (const signal of ["SIGHUP", "SIGUSR2"] as const) process.on(signal, () => {});
    try {
      // Programs that the worker starts go without them.
      for (const fd of fds.flat()) setCloseOnExec(fd, true);
      if (this.#role.sharesTls) await this.#shareTls();
      await this.#host.prepare();
      const listeners =
        this.#role.sockets === "inherited"
          ? await this.#accept(slot, count)
          : [
              await this.#host.listen({
                host: this.#role.host ?? fallback.host,
                port: this.#role.port ?? fallback.port,
              }),
            ];
      const { address } = listeners[0]!;
      this.#obey();
      this.#tell({ tz: "ready", address, limit: this.#host.descriptorLimit });
      if (aliveMs > 0) {
        this.#alive = setInterval(
          () => this.#tell({ tz: "alive", connections: this.#host.connections }),
          aliveMs,
        );
        this.#alive.unref();
      }
      return address;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      this.#tell({ tz: "failed", code, message });
      throw error;
    }
  }

  reload(): void {
    this.#tell({ tz: "reload" });
  }

  rotateTicketKeys(): void {
    this.#tell({ tz: "rotate-ticket-keys" });
  }

  /** Copies, so that the socket itself can be handed on after a listener was closed. */
  async #accept(slot: number, count: number): Promise<Listener[]> {
    const mine = this.#role.fds.flatMap((fds) => socketsOf(fds, slot, count));
    const listeners: Listener[] = [];
    for (const fd of mine) {
      listeners.push(await this.#host.listen({ fd: fcntl(fd, F_DUPFD_CLOEXEC, COPY_FD_MIN) }));
    }
    return listeners;
  }

  /** The first answer is waited for; further ones come when something changes. */
  #shareTls(): Promise<void> {
    return new Promise((resolve) => {
      let isFirst = true;
      process.on("message", (message) => {
        if (!isOurs<ToWorker>(message) || message.tz !== "tls") return;
        if (isFirst) this.#host.changeTls(readTlsMessage(message));
        else this.#changeTls(message);
        isFirst = false;
        resolve();
      });
      // A supervisor that is gone answers nothing; the end comes when there is something to end.
      process.once("disconnect", resolve);
      if (process.connected) this.#tell({ tz: "tls?" });
      else resolve();
    });
  }

  #changeTls(message: TlsMessage): void {
    try {
      this.#host.changeTls(readTlsMessage(message));
      this.#tell({ tz: "tls-taken" });
    } catch (error) {
      this.#tell({ tz: "tls-taken", error: (error as Error).message });
    }
  }

  #obey(): void {
    process.on("message", (message) => {
      if (!isOurs<ToWorker>(message)) return;
      if (message.tz === "drain") this.#end(message);
      else if (message.tz === "unready") this.#host.unready();
      else if (message.tz === "stand-in") this.#standIn(message.slot);
      else if (message.tz === "stand-down") this.#standDown(message.slot);
      else if (message.tz === "recover") this.#host.recover();
    });
    const { drainTimeoutMs, idleGraceMs } = this.#role;
    process.on("disconnect", () => this.#end({ timeoutMs: drainTimeoutMs, idleGraceMs: 0 }));
    // Gone before we listened to it.
    if (!process.connected) this.#end({ timeoutMs: drainTimeoutMs, idleGraceMs: 0 });
    process.on("SIGTERM", () => this.#end({ timeoutMs: drainTimeoutMs, idleGraceMs }));
    process.on("SIGINT", () => {});
  }

  #standIn(slot: number): void {
    if (this.#isEnding || this.#standIns.has(slot)) return;
    const shared = this.#role.fds.some((fds) => fds.length < this.#role.count);
    if (!shared) this.#standIns.set(slot, this.#accept(slot, this.#role.count));
  }

  #standDown(slot: number): void {
    const listeners = this.#standIns.get(slot);
    this.#standIns.delete(slot);
    void listeners?.then((all) => Promise.all(all.map((listener) => listener.close())));
  }

  #end(order: DrainOrder): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    for (const slot of [...this.#standIns.keys()]) this.#standDown(slot);
    this.#host.close(order).then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  }

  /** A supervisor that is gone hears nothing; its end comes as `disconnect`. */
  #tell(message: ToSupervisor): void {
    if (process.connected) process.send?.(message, undefined, undefined, () => {});
  }
}
