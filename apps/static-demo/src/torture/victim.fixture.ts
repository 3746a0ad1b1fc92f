import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { ByteTally } from "./byte-client.fixture.js";
import type { VictimReport } from "./victim-process.fixture.js";

/** Clients that mean well, in processes of their own. */
export class Victim {
  readonly #probe: VictimProcess;
  readonly #load: VictimProcess;

  /** @param before what the command line begins with: where it runs, and how urgently */
  constructor(port: number, before: readonly string[] = []) {
    this.#probe = new VictimProcess(port, "probe", before);
    this.#load = new VictimProcess(port, "load", before);
  }

  /** How long each answer took since it was last asked. */
  async waits(): Promise<readonly number[]> {
    return (await this.#probe.ask("waits")).waitsMs;
  }

  /** Finishes what is under way. */
  async stop(): Promise<ByteTally> {
    const [probe, load] = (await Promise.all([this.#probe.ask("stop"), this.#load.ask("stop")])).map(
      ({ tally }) => tally!,
    );
    return {
      requests: probe!.requests + load!.requests,
      bytes: probe!.bytes + load!.bytes,
      connections: probe!.connections + load!.connections,
      excused: 0,
      failures: [...probe!.failures, ...load!.failures],
      slowestMs: Math.max(probe!.slowestMs, load!.slowestMs),
    };
  }

  end(): void {
    this.#probe.end();
    this.#load.end();
  }
}

class VictimProcess {
  readonly #child: ChildProcess;

  constructor(port: number, what: "probe" | "load", before: readonly string[]) {
    const program = fileURLToPath(new URL("victim-process.fixture.ts", import.meta.url));
    const node = [process.execPath, "--import", "tsx", "--conditions=@tz/source"];
    const [command, ...args] = [...before, ...node, program, String(port), what];
    this.#child = spawn(command!, args, {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      env: { ...process.env, NODE_OPTIONS: "" },
    });
  }

  ask(what: string): Promise<VictimReport> {
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

  end(): void {
    this.#child.kill("SIGKILL");
  }
}
