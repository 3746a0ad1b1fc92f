import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Holding } from "./attacked-server.fixture.js";

/** Of anything that is waited for: machines can be busy. */
const STEP_MS_MAX = 100_000;
const POLL_MS = 50;

/** A server in a process of its own that tells what it holds. */
export class AttackedServer {
  readonly port: Promise<number>;
  readonly #child: ChildProcess;

  /** @param before what the command line begins with: where it runs */
  constructor(loop: string, folder: string, before: readonly string[] = []) {
    const program = fileURLToPath(new URL("attacked-server.fixture.ts", import.meta.url));
    const [command, ...args] = [
      ...before,
      process.execPath,
      "--expose-gc",
      "--import",
      "tsx",
      "--conditions=@tz/source",
      program,
      loop,
      folder,
    ];
    this.#child = spawn(command!, args, {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      env: { ...process.env, NODE_OPTIONS: "" },
    });
    this.port = this.#next<{ port: number }>().then(({ port }) => port);
  }

  /** After a garbage collection. */
  report(): Promise<Holding> {
    const answer = this.#next<Holding>();
    this.#child.send("report");
    return answer;
  }

  /** As it is. */
  glance(): Promise<Holding> {
    const answer = this.#next<Holding>();
    this.#child.send("glance");
    return answer;
  }

  /** Writes what is on the heap. */
  snapshot(path: string): Promise<Holding> {
    const answer = this.#next<Holding>();
    this.#child.send(`snapshot ${path}`);
    return answer;
  }

  /** When all clients are gone, and the terminals that they left. */
  async settled(): Promise<Holding> {
    const endMs = performance.now() + STEP_MS_MAX;
    for (;;) {
      const now = await this.report();
      const isQuiet = now.connections === 0 && now.terminals === 0;
      if (isQuiet || performance.now() > endMs) return now;
      await sleep(POLL_MS);
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.send("stop");
    const forced = setTimeout(() => this.#child.kill("SIGKILL"), STEP_MS_MAX);
    await exit;
    clearTimeout(forced);
  }

  #next<T>(): Promise<T> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null): void => reject(new Error(`the server ended with ${code}`));
      this.#child.once("exit", onExit);
      this.#child.once("message", (message) => {
        this.#child.off("exit", onExit);
        resolve(message as T);
      });
    });
  }
}
