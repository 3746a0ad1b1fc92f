import { type ChildProcess, spawn } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { unusedPort } from "../../scripts/workspace/unused-port.mjs";
import { pinned } from "./cores.js";
import { measureTree, pidsOf, readResidentKiB } from "./process-tree.js";
import type { Serving, Target } from "./target.js";

const startTimeoutMs = 60_000;
const stopTimeoutMs = 5_000;

/** A target that runs and answers on its port. */
export class ServerProcess {
  readonly target: Target;
  readonly port: number;
  #child: ChildProcess;
  #output = "";

  private constructor(target: Target, port: number, child: ChildProcess) {
    this.target = target;
    this.port = port;
    this.#child = child;
  }

  /** Starts it on a free port and waits until the port takes connections, which is asked every `pollMs`. */
  static async start(
    target: Target,
    site: Omit<Serving, "port">,
    core?: number,
    pollMs = 50,
  ): Promise<ServerProcess> {
    const port = await unusedPort();
    const [program = "", ...args] = pinned(target.command({ port, ...site }), core);
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    let failure: string | undefined;
    child.once("error", (error) => (failure = error.message));
    child.once("exit", (code, signal) => (failure ??= `ended with ${signal ?? code}`));
    const server = new ServerProcess(target, port, child);
    const keep = (chunk: Buffer) => {
      server.#output = (server.#output + chunk).slice(-2000);
    };
    child.stdout?.on("data", keep);
    child.stderr?.on("data", keep);
    for (const deadline = Date.now() + startTimeoutMs; !(await accepts(port)); await sleep(pollMs)) {
      if (failure === undefined && Date.now() < deadline) continue;
      await server.stop();
      throw new Error(
        `${target.name} did not start: ${failure ?? "its port stays closed"}\n${server.#output}`,
      );
    }
    return server;
  }

  /** CPU time so far and memory now, of all its processes. */
  measure(): { cpuMicros: number; residentKiB: number } {
    return measureTree(this.#child.pid ?? 0);
  }

  /** The same of the process alone that was started: it pays for what runs in its name, but does not hold it. */
  measureOwn(): { residentKiB: number } {
    return { residentKiB: readResidentKiB(this.#child.pid ?? 0) };
  }

  /** The last that it wrote on stdout and stderr. */
  get output(): string {
    return this.#output;
  }

  /** Of all its processes. */
  get pids(): number[] {
    return pidsOf(this.#child.pid ?? 0);
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    const forced = setTimeout(() => child.kill("SIGKILL"), stopTimeoutMs);
    await ended;
    clearTimeout(forced);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
