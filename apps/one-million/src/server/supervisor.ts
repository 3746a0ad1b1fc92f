import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { close } from "@tz/sys";
import type { ServeConfig } from "../config.js";
import { createMemoryFile, MemfdPages } from "../memory/memfd-pages.js";
import type { Pages } from "../memory/pages.js";
import { formatPages, Totals } from "../totals/totals.js";
import { type PortReservation, reservePort } from "./port-reservation.js";
import { ORDER_VARIABLE, type WorkerListens, type WorkerOrder } from "./worker-process.js";

/** A worker that ends so soon after its start will do so again: the next one waits. */
const SHORT_LIFE_MS = 1000;

/**
 * Starts workers on one port and replaces each that dies. Before a new worker takes the lane of a dead one, the event
 * that the dead one was counting is finished or dropped (see Totals.recover).
 */
export class Supervisor {
  readonly #config: ServeConfig;
  readonly #reservation: PortReservation;
  readonly #children: (ChildProcess | undefined)[] = [];
  readonly #memoryFd: number | undefined;
  readonly #pages: Pages | undefined;
  #stopping = false;

  private constructor(config: ServeConfig, reservation: PortReservation) {
    this.#config = config;
    this.#reservation = reservation;
    if (config.redis !== undefined) return;
    this.#memoryFd = createMemoryFile();
    this.#pages = new MemfdPages(this.#memoryFd);
    formatPages(this.#pages, config.workers);
  }

  /**
   * Resolves when all workers listen.
   * @throws SysError when the address cannot be bound
   */
  static async start(config: ServeConfig): Promise<Supervisor> {
    const supervisor = new Supervisor(config, await reservePort(config.host, config.port));
    try {
      await Promise.all(Array.from({ length: config.workers }, (_, index) => supervisor.#startWorker(index)));
    } catch (error) {
      await supervisor.stop();
      throw error;
    }
    return supervisor;
  }

  get port(): number {
    return this.#reservation.port;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const running = this.#children.flatMap((child) => child ?? []);
    const ended = running.map((child) => once(child, "exit"));
    for (const child of running) child.kill("SIGTERM");
    await Promise.all(ended);
    this.#pages?.close();
    if (this.#memoryFd !== undefined) close(this.#memoryFd);
    this.#reservation.release();
  }

  async #startWorker(index: number): Promise<void> {
    const { host, redis, redisPrefix } = this.#config;
    const order: WorkerOrder = { host, port: this.port, lane: index, redis, redisPrefix };
    const child = spawn(process.execPath, [...process.execArgv, process.argv[1] ?? ""], {
      stdio: ["ignore", "inherit", "inherit", "ipc", this.#memoryFd ?? "ignore"],
      env: { ...process.env, [ORDER_VARIABLE]: JSON.stringify(order) },
    });
    this.#children[index] = child;
    const startMs = performance.now();
    child.once("exit", (code, signal) => {
      this.#children[index] = undefined;
      if (this.#stopping) return;
      console.error(`worker ${index} ended with ${signal ?? code}; another takes its place`);
      if (this.#pages !== undefined) recover(this.#pages, index);
      const pauseMs = performance.now() - startMs < SHORT_LIFE_MS ? SHORT_LIFE_MS : 0;
      setTimeout(() => {
        if (!this.#stopping) this.#startWorker(index).catch((error: unknown) => console.error(error));
      }, pauseMs);
    });
    await listens(child);
  }
}

/** Finishes what a worker that died had begun. */
function recover(pages: Pages, lane: number): void {
  const totals = new Totals(pages, lane);
  totals.recover();
  totals.close();
}

function listens(child: ChildProcess): Promise<WorkerListens> {
  return new Promise((resolve, reject) => {
    child.once("message", (message) => resolve(message as WorkerListens));
    child.once("error", reject);
    child.once("exit", (code, signal) =>
      reject(new Error(`a worker ended with ${signal ?? code} before it listened`)),
    );
  });
}
