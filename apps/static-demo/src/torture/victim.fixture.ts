import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { ByteTally } from "./byte-client.fixture.js";
import type { VictimReport, Waits } from "./victim-process.fixture.js";

/** Clients that mean well, in a process of their own. */
export class Victim {
  readonly #child: ChildProcess;

  constructor(port: number) {
    const program = fileURLToPath(new URL("victim-process.fixture.ts", import.meta.url));
    this.#child = spawn(
      process.execPath,
      ["--import", "tsx", "--conditions=@tz/source", program, String(port)],
      { stdio: ["ignore", "inherit", "inherit", "ipc"], env: { ...process.env, NODE_OPTIONS: "" } },
    );
  }

  /** How long answers took since it was last asked. */
  async waits(): Promise<Waits> {
    return (await this.#ask("waits")).waits;
  }

  /** Finishes what is under way. */
  async stop(): Promise<ByteTally> {
    return (await this.#ask("stop")).tally!;
  }

  end(): void {
    this.#child.kill("SIGKILL");
  }

  #ask(what: string): Promise<VictimReport> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null): void => reject(new Error(`the victim ended with ${code}`));
      this.#child.once("exit", onExit);
      this.#child.once("message", (message) => {
        this.#child.off("exit", onExit);
        resolve(message as VictimReport);
      });
      this.#child.send(what);
    });
  }
}
