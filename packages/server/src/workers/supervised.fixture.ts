import { type ChildProcess, spawn } from "node:child_process";
import { Agent, get, type RequestOptions } from "node:http";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { onTestFinished } from "vitest";
import type { ServerStats } from "../app.js";
import type { WorkerEvent } from "./worker-events.js";

const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const program = fileURLToPath(new URL("./serving.fixture.ts", import.meta.url));

const START_TIMEOUT_MS = 170_000;

export interface SupervisedInit {
  readonly server?: object;
  readonly target?: object;
  readonly execArgv?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Commands of a shell that then becomes the server. */
  readonly shell?: string;
  /** A descriptor that it gets as its 3. */
  readonly fd?: number;
}

export interface Reply {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: Buffer;
}

/** `serving.fixture.ts` as a process of its own, with what it tells. Ended with its workers when the test ends. */
export class Supervised {
  readonly child: ChildProcess;
  readonly events: WorkerEvent[] = [];
  readonly exit: Promise<number | null>;
  stderr = "";
  port = 0;
  host = "";
  #failure: { code?: string; message: string } | undefined;
  #statistics: ServerStats | undefined;
  readonly #waiting = new Set<() => void>();
  #ended = false;

  constructor(init: SupervisedInit) {
    const config = JSON.stringify({
      server: init.server ?? {},
      target: patient({ port: 0, ...init.target }),
    });
    const flags = [...(init.execArgv ?? []), "--import", tsx, "--conditions=@tz/source", program, config];
    const { shell, fd } = init;
    const [file, ...args] =
      shell === undefined
        ? [process.execPath, ...flags]
        : ["sh", "-c", `${shell}; exec "$0" "$@"`, process.execPath, ...flags];
    this.child = spawn(file!, args, {
      stdio: ["ignore", "inherit", "pipe", ...(fd === undefined ? [] : [fd]), "ipc"],
      env: { ...process.env, NODE_OPTIONS: "", ...init.env },
    });
    this.child.stderr?.on("data", (chunk) => (this.stderr += chunk));
    this.child.on("message", (message) => this.#take(message as Record<string, never>));
    this.exit = new Promise((resolve) =>
      this.child.once("exit", (code) => {
        this.#ended = true;
        this.#wake();
        resolve(code);
      }),
    );
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #take(message: {
    event?: WorkerEvent;
    address?: { host: string; port: number };
    failed?: never;
    stats?: ServerStats;
  }) {
    if (message.event !== undefined) this.events.push(message.event);
    if (message.address !== undefined) ({ host: this.host, port: this.port } = message.address);
    if (message.failed !== undefined) this.#failure = message.failed;
    if (message.stats !== undefined) this.#statistics = message.stats;
    this.#wake();
  }

  /** Waits for something that it tells. @throws when the process ends before */
  async until<T>(look: () => T | undefined | false): Promise<T> {
    for (;;) {
      const found = look();
      if (found !== undefined && found !== false) return found;
      if (this.#ended) throw new Error(`ended: ${JSON.stringify(this.#failure)} ${this.stderr}`);
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
      });
    }
  }

  async listening(): Promise<this> {
    await this.until(() => this.host !== "" || undefined);
    return this;
  }

  failure(): Promise<{ code?: string; message: string }> {
    return this.until(() => this.#failure);
  }

  event<K extends WorkerEvent["kind"]>(kind: K, nth = 1): Promise<Extract<WorkerEvent, { kind: K }>> {
    return this.until(
      () =>
        this.events.filter((event) => event.kind === kind)[nth - 1] as
          | Extract<WorkerEvent, { kind: K }>
          | undefined,
    );
  }

  async stats(): Promise<ServerStats> {
    this.#statistics = undefined;
    this.child.send("stats");
    return this.until(() => this.#statistics);
  }

  get workers(): { pid: number; slot: number }[] {
    const gone = new Set(this.events.flatMap((event) => (event.kind === "ended" ? [event.pid] : [])));
    return this.events.flatMap((event) => (event.kind === "ready" && !gone.has(event.pid) ? [event] : []));
  }

  async close(): Promise<void> {
    this.child.send("close");
    await this.exit;
  }

  get(path: string, agent?: Agent): Promise<Reply> {
    const at = this.host.includes("/") ? { socketPath: this.host } : { host: this.host, port: this.port };
    return fetchOf({ ...at, path, agent: agent ?? false });
  }

  /** A connection to one worker: more are made until one is its own. */
  async connectionTo(pid: number): Promise<Agent> {
    for (;;) {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const { body } = await this.get("/who", agent);
      if (JSON.parse(body.toString()).pid === pid) {
        onTestFinished(() => agent.destroy());
        return agent;
      }
      agent.destroy();
    }
  }
}

/** Machines that run tests can be so busy that a process takes long to start. */
function patient(target: object): object {
  const { workers } = target as { readonly workers?: object };
  return workers === undefined
    ? target
    : { ...target, workers: { startTimeoutMs: START_TIMEOUT_MS, ...workers } };
}

function fetchOf(options: RequestOptions): Promise<Reply> {
  return new Promise((resolve, reject) => {
    get(options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers as NodeJS.Dict<string>,
          body: Buffer.concat(chunks),
        }),
      );
    }).on("error", reject);
  });
}

export async function supervise(init: SupervisedInit = {}): Promise<Supervised> {
  const supervised = startSupervised(init);
  return supervised.listening();
}

/** Does not wait for it to listen. */
export function startSupervised(init: SupervisedInit = {}): Supervised {
  const supervised = new Supervised(init);
  onTestFinished(() => {
    // First, or it would replace the others.
    supervised.child.kill("SIGKILL");
    // They would end by themselves, in good order; these do so at once.
    for (const { pid } of supervised.workers) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // Ended meanwhile.
      }
    }
  });
  return supervised;
}
