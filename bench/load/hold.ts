import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { findCores, pinned } from "../harness/cores.js";
import { exchange } from "../harness/exchange.js";
import { compiled } from "./program.js";

/** A process can hold this many: it has 20,000 descriptors on most machines. */
const PER_PROCESS = 16_000;

/** Idle connections that were each used once. */
export class HeldConnections {
  readonly #children: ChildProcess[] = [];
  readonly #work: string;
  readonly #port: number;
  count = 0;

  constructor(port: number, work: string) {
    this.#port = port;
    this.#work = work;
  }

  /**
   * Opens more, until there are `count`. One is asked for its answer first, and all others must have its length and status.
   * @throws Error when one is refused or answered wrongly
   */
  async growTo(count: number, request: string): Promise<void> {
    const file = join(this.#work, "hold-request");
    writeFileSync(file, request);
    const { byteLength, status } = await exchange(this.#port, request);
    if (status !== 200 && status !== 101) throw new Error(`the request is answered ${status}`);
    while (this.count < count) {
      const more = Math.min(PER_PROCESS, count - this.count);
      await this.#hold(more, file, byteLength, status);
      this.count += more;
    }
  }

  async #hold(count: number, file: string, answerBytes: number, status: number): Promise<void> {
    const cores = findCores();
    const [program = "", ...args] = pinned(
      [
        compiled("hold", this.#work),
        String(this.#port),
        String(count),
        String(this.count),
        file,
        String(answerBytes),
        String(status),
      ],
      "load" in cores ? cores.load : undefined,
    );
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#children.push(child);
    const ended = once(child, "exit").then(([code]) => {
      throw new Error(`hold ended with ${code}: ${this.count} connections were held`);
    });
    ended.catch(() => {});
    await Promise.race([once(child.stdout!, "data"), ended]);
  }

  /** Closes all. */
  async close(): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        if (child.exitCode !== null) return;
        const ended = once(child, "exit");
        child.stdin?.end();
        await ended;
      }),
    );
    this.#children.length = 0;
    this.count = 0;
  }
}
