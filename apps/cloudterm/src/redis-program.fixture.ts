import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";

/** Why tests with a real server cannot run; empty when they can. */
export const lacksRedis =
  spawnSync("redis-server", ["--version"]).status === 0
    ? ""
    : " (skipped: redis-server is not installed, apt-get install redis-server)";

/** A redis-server of its own behind a Unix socket, which can be stopped and started with what it had. */
export class RedisProgram {
  readonly folder = mkdtempSync(join(tmpdir(), "tz-redis-program-"));
  readonly path = join(this.folder, "socket");
  #child: ChildProcess | undefined;

  async start(): Promise<this> {
    const child = spawn("redis-server", [
      ...["--port", "0", "--unixsocket", this.path, "--dir", this.folder],
      ...["--save", "", "--appendonly", "yes", "--appendfsync", "always"],
    ]);
    this.#child = child;
    let text = "";
    child.stdout.on("data", (chunk) => (text += chunk));
    await vi.waitUntil(() => /ready to accept connections/i.test(text) || child.exitCode !== null, {
      timeout: 120_000,
    });
    if (child.exitCode !== null) throw new Error(text);
    return this;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  /** Forgets everything. Only while it is stopped. */
  clear(): void {
    rmSync(join(this.folder, "appendonlydir"), { recursive: true, force: true });
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
