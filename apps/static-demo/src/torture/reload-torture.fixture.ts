/**
 * `tz-static --workers 2` under wrk and under a client that checks every byte, while workers are killed, replaced by
 * reloads, and the whole program handed over to a new one, in a loop.
 *
 * A worker is stopped first, then the connections that it has accepted are read from /proc, then it is killed: these
 * connections may break, all others may not.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ByteClient, type ByteTally, CLIENT_ADDRESS, type KnownFile } from "./byte-client.fixture.js";
import { childrenOf, clientEnds, processState } from "./process-sockets.fixture.js";
import { hasWrk, type WrkTally, wrk } from "./wrk-load.fixture.js";

export interface TortureInit {
  /** Arguments of node that are `tz-static`. */
  readonly command: readonly string[];
  readonly seconds: number;
  /** More arguments of `tz-static`. */
  readonly more?: readonly string[];
  readonly connections?: number;
}

export interface TortureTally {
  readonly kills: number;
  readonly reloads: number;
  readonly handOvers: number;
  readonly client: ByteTally;
  /** `undefined` where there is no wrk. */
  readonly wrk: WrkTally | undefined;
  /** Connections of wrk that a killed worker had. */
  readonly wrkExcused: number;
  readonly failures: readonly string[];
}

const WRK_CONNECTIONS = 16;
/** Of anything that is waited for: machines can be busy. */
const STEP_MS_MAX = 240_000;
const POLL_MS = 10;
/** From a few bytes to what leaves by sendfile in many pieces. */
const SIZES = [0, 1, 1024, 40_000, 700_000, 5_000_000];

export async function tortureReload(init: TortureInit): Promise<TortureTally> {
  const folder = mkdtempSync(join(tmpdir(), "tz-torture-"));
  const files = SIZES.map((size): KnownFile => {
    const target = `/${size}.bin`;
    const bytes = noise(size);
    writeFileSync(join(folder, target), bytes);
    return { target, bytes };
  });
  const served = new Served([...init.command, folder, "--port", "0", "--workers", "2", ...(init.more ?? [])]);
  try {
    return await new Torture(served, await served.port(), files, init).run();
  } finally {
    await served.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

class Torture {
  readonly #served: Served;
  readonly #port: number;
  readonly #client: ByteClient;
  readonly #seconds: number;
  readonly #failures: string[] = [];
  #kills = 0;
  #reloads = 0;
  #handOvers = 0;
  #wrkExcused = 0;

  constructor(served: Served, port: number, files: readonly KnownFile[], init: TortureInit) {
    this.#served = served;
    this.#port = port;
    this.#seconds = init.seconds;
    this.#client = new ByteClient(port, files, init.connections ?? 16);
  }

  async run(): Promise<TortureTally> {
    const endMs = performance.now() + this.#seconds * 1000;
    const load = hasWrk
      ? wrk(`http://127.0.0.1:${this.#port}/1024.bin`, this.#seconds, WRK_CONNECTIONS)
      : Promise.resolve(undefined);
    load.catch(() => {});
    // Each of them at least once, however slow the machine is.
    const first = [this.#kill, this.#reload, this.#killAndReload, this.#handOver];
    for (let turn = 0; turn < first.length || performance.now() < endMs; turn++) {
      await (first[turn] ?? this.#choose()).call(this);
      await sleep(Math.random() * 300);
    }
    const ofWrk = await load;
    const client = await this.#client.stop();
    if (ofWrk !== undefined) {
      const { connectErrors, brokenConnections, timeouts, otherStatus } = ofWrk;
      // A connection that the worker had accepted already can still be connecting for wrk.
      if (timeouts + otherStatus > 0 || connectErrors + brokenConnections > this.#wrkExcused) {
        this.#failures.push(`wrk: ${JSON.stringify(ofWrk)}, excused ${this.#wrkExcused}`);
      }
    }
    return {
      kills: this.#kills,
      reloads: this.#reloads,
      handOvers: this.#handOvers,
      client,
      wrk: ofWrk,
      wrkExcused: this.#wrkExcused,
      failures: [...client.failures, ...this.#failures],
    };
  }

  #choose(): () => Promise<void> {
    const dice = Math.random();
    if (dice < 0.45) return this.#kill;
    if (dice < 0.8) return this.#reload;
    return dice < 0.95 ? this.#killAndReload : this.#handOver;
  }

  async #kill(): Promise<void> {
    const victim = await this.#killOne();
    await until(
      () => this.#served.workers.filter((pid) => pid !== victim).length >= 2,
      "a successor of the killed worker",
    );
  }

  async #killOne(): Promise<number> {
    const victim = await this.#stopOne();
    const ends = clientEnds(victim, this.#port);
    const own = ends.filter(({ address }) => address === CLIENT_ADDRESS);
    this.#client.excuse(own.map(({ port }) => port));
    this.#wrkExcused += ends.length - own.length;
    signalled(victim, "SIGKILL");
    this.#kills++;
    return victim;
  }

  /** A worker that stands still, with clients where there is one. Of an old generation it can end at any moment. */
  async #stopOne(): Promise<number> {
    for (const endMs = performance.now() + STEP_MS_MAX; performance.now() < endMs; await sleep(POLL_MS)) {
      const { workers } = this.#served;
      const busy = workers.filter((pid) => clientEnds(pid, this.#port).length > 0);
      const victim = busy[Math.floor(Math.random() * busy.length)] ?? workers[0];
      if (victim === undefined || !signalled(victim, "SIGSTOP")) continue;
      await until(() => "TZ".includes(processState(victim) ?? "Z"), "the worker to stop");
      if (processState(victim) === "T") return victim;
    }
    throw new Error(`waited ${STEP_MS_MAX} ms for a worker to kill`);
  }

  async #reload(): Promise<void> {
    const before = this.#served.reloads;
    // One may fail: a worker that takes half a minute to start on a busy machine.
    while (this.#served.reloads === before) {
      const failed = this.#served.failedReloads;
      this.#served.signal("SIGHUP");
      await until(() => this.#served.reloads > before || this.#served.failedReloads > failed, "the reload");
    }
    this.#reloads++;
  }

  /** The new generation or the old one loses a worker on the way; a reload that fails for that is asked for again. */
  async #killAndReload(): Promise<void> {
    const settled = (): number => this.#served.reloads + this.#served.failedReloads;
    const before = settled();
    this.#served.signal("SIGHUP");
    await sleep(Math.random() * 400);
    await this.#killOne();
    await until(() => settled() > before, "the reload or its failure");
    await this.#reload();
  }

  async #handOver(): Promise<void> {
    const before = this.#served.supervisor;
    this.#served.signal("SIGUSR2");
    await until(() => this.#served.supervisor !== before, "the new supervisor");
    await until(
      () => processState(before) === undefined || processState(before) === "Z",
      "the old one's end",
    );
    this.#handOvers++;
  }
}

/** `tz-static` and who takes over from it. */
class Served {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  #stdout = "";
  #stderr = "";

  constructor(args: readonly string[]) {
    this.#child = spawn(process.execPath, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NODE_OPTIONS: "" },
    });
    this.#child.stdout?.on("data", (chunk) => (this.#stdout += chunk));
    this.#child.stderr?.on("data", (chunk) => (this.#stderr += chunk));
    this.#closed = new Promise((resolve) => this.#child.once("close", resolve));
  }

  async port(): Promise<number> {
    await until(() => this.#stdout.includes("\n") || this.#child.exitCode !== null, "the ready line");
    const port = /^Listening on http:\/\/127\.0\.0\.1:(\d+)\/\n/.exec(this.#stdout)?.[1];
    if (port === undefined) throw new Error(`not ready: ${this.#stdout} ${this.#stderr}`);
    return Number(port);
  }

  get supervisor(): number {
    return Number([...this.#stderr.matchAll(/Process (\d+) serves now/g)].at(-1)?.[1] ?? this.#child.pid);
  }

  get workers(): number[] {
    return childrenOf(this.supervisor).filter((pid) => processState(pid) !== "Z");
  }

  get reloads(): number {
    return this.#stderr.match(/^Reloaded: /gm)?.length ?? 0;
  }

  get failedReloads(): number {
    return this.#stderr.match(/^Reload failed/gm)?.length ?? 0;
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.supervisor, signal);
  }

  async end(): Promise<void> {
    const all = [this.supervisor, ...this.workers];
    this.signal("SIGTERM");
    const forced = setTimeout(() => {
      for (const pid of all) if (processState(pid) !== undefined) process.kill(pid, "SIGKILL");
    }, STEP_MS_MAX / 2);
    await this.#closed;
    clearTimeout(forced);
  }
}

/** @returns whether the process was there */
function signalled(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

async function until(look: () => boolean, what: string): Promise<void> {
  for (const endMs = performance.now() + STEP_MS_MAX; !look(); await sleep(POLL_MS)) {
    if (performance.now() > endMs) throw new Error(`waited ${STEP_MS_MAX} ms for ${what}`);
  }
}

/** Bytes that look like nothing else, the same for the same length. */
function noise(length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, index) =>
    createHash("sha256").update(`${length} ${index}`).digest(),
  );
  return Buffer.concat(blocks).subarray(0, length);
}
