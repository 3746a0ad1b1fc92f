import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, get } from "node:http";
import { fileURLToPath } from "node:url";
import { isSupported } from "@tz/sys";
import { expect, onTestFinished, test } from "vitest";
import { emptySite, noise } from "../site.fixture.js";

const { supported } = isSupported();
const program = fileURLToPath(new URL("./workers.fixture.ts", import.meta.url));
const FILES = 20;

type Told = { port?: number; event?: { kind: string; pid: number; generation: number } };

class Served {
  readonly #child: ChildProcess;
  readonly told: Told[] = [];

  constructor(folder: string) {
    const args = ["--import", "tsx", "--conditions=@tz/source", program, folder];
    this.#child = spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#child.on("message", (message) => this.told.push(message as Told));
    onTestFinished(() => void this.#child.kill("SIGKILL"));
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async until<T>(look: () => T | undefined): Promise<T> {
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      await once(this.#child, "message");
    }
  }

  event(kind: string, nth = 1): Promise<{ pid: number; generation: number }> {
    return this.until(() => this.told.flatMap(({ event }) => (event?.kind === kind ? [event] : []))[nth - 1]);
  }

  async ask(path: string, agent: Agent): Promise<Buffer> {
    const port = await this.until(() => this.told.find((each) => each.port !== undefined)?.port);
    return new Promise((resolve, reject) => {
      get({ port, path, agent }, async (response) => {
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk as Buffer);
        resolve(Buffer.concat(chunks));
      }).once("error", reject);
    });
  }

  async worker(agent: Agent): Promise<{ pid: number; shared: { entries: number } }> {
    return JSON.parse((await this.ask("/-/worker", agent)).toString());
  }

  /** A connection to a worker that is none of these. */
  async connection(...others: number[]): Promise<{ agent: Agent; pid: number }> {
    for (;;) {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      onTestFinished(() => agent.destroy());
      const { pid } = await this.worker(agent);
      if (!others.includes(pid)) return { agent, pid };
      agent.destroy();
    }
  }
}

test.skipIf(!supported)(
  `workers keep one copy of each answer; a killed one's pins come back; a new generation begins anew${supported ? "" : " (skipped: no system calls)"}`,
  async () => {
    const site = emptySite();
    onTestFinished(() => site.remove());
    const files = Array.from({ length: FILES }, (_, i) =>
      Buffer.concat([noise(10_000), Buffer.from(`${i}`)]),
    );
    files.forEach((bytes, i) => {
      site.put(`shared/${i}.bin`, bytes);
    });
    const served = new Served(site.root);
    const askAll = async (agent: Agent) => {
      for (const [i, bytes] of files.entries()) {
        expect((await served.ask(`/shared/${i}.bin`, agent)).equals(bytes)).toBe(true);
      }
      return (await served.worker(agent)).shared;
    };
    const first = await served.connection();
    const second = await served.connection(first.pid);
    expect(await askAll(first.agent)).toMatchObject({ entries: FILES });
    expect(await askAll(second.agent)).toMatchObject({ entries: FILES });

    // Killed while it pins all of them.
    process.kill(first.pid, "SIGKILL");
    await served.event("ended");
    await served.event("ready", 3);
    const third = await served.connection(second.pid);
    expect(third.pid).not.toBe(first.pid);
    expect(await askAll(third.agent)).toMatchObject({ entries: FILES, recoveredWorkers: 1 });

    served.signal("SIGHUP");
    const { generation } = await served.event("reloaded");
    expect(generation).toBe(2);
    const fourth = await served.connection(second.pid, third.pid);
    expect((await served.worker(fourth.agent)).shared.entries).toBe(0);
    expect(await askAll(fourth.agent)).toMatchObject({ entries: FILES });
  },
);
