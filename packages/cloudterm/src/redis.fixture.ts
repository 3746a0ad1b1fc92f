import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";

/** Why tests with a real server cannot run; empty when they can. */
export const lacksRedis =
  spawnSync("redis-server", ["--version"]).status === 0
    ? ""
    : " (skipped: redis-server is not installed, apt-get install redis-server)";

/** A Redis of its own behind a Unix socket: no port, no persistence. */
export class RedisServer {
  readonly #folder = mkdtempSync(join(tmpdir(), "tz-redis-"));
  readonly #child: ChildProcess;
  readonly path = join(this.#folder, "socket");
  readonly #clients: Redis[] = [];

  private constructor() {
    this.#child = spawn(
      "redis-server",
      ["--port", "0", "--unixsocket", this.path, "--save", "", "--appendonly", "no", "--dir", this.#folder],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
  }

  static async start(): Promise<RedisServer> {
    const server = new RedisServer();
    await new Promise<void>((resolve, reject) => {
      let text = "";
      server.#child.stdout!.on("data", (chunk) => {
        text += chunk;
        if (/ready to accept connections/i.test(text)) resolve();
      });
      server.#child.once("exit", () => reject(new Error(`redis-server ended: ${text}`)));
    });
    return server;
  }

  client(): Redis {
    const client = new Redis(this.path);
    this.#clients.push(client);
    return client;
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.disconnect();
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill("SIGKILL");
    await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
