/**
 * Files that are truncated, grown, replaced, deleted, made unreadable, turned into pipes and directories, and a directory
 * that becomes a link out of the root and back, while clients read them. An answer is whole content that the file had
 * while it was asked for, an honest refusal, or cut: never other bytes. But what `sendfile` has handed over is the kernel's: when
 * the file is cut there, zeros from the cut on can be in what is on its way. Those are counted. Beside it a file system in which everything
 * takes long must not hold up others.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { LoopLag } from "./disk-server.fixture.js";
import { noise } from "./noise.fixture.js";

export interface DiskInit {
  readonly loop: "epoll" | "node";
  readonly seconds: number;
  /** Readers at a time. */
  readonly readers: number;
}

export interface DiskTally {
  readonly failures: readonly string[];
  readonly faults: Readonly<Record<string, number>>;
  readonly whole: number;
  readonly refused: number;
  readonly cut: number;
  /** Whole answers with zeros where the file was cut while the kernel was sending. */
  readonly zeroed: number;
  readonly lag: LoopLag;
  /** Each kind of slowness, with the loop's lag and how long another client waited meanwhile. `undefined`: no FUSE. */
  readonly slow: Readonly<Record<string, LoopLag & { readonly slowestMs: number; readonly answers: number }>>;
}

const STEP_MS_MAX = 100_000;
const SIZES = [100, 5000, 60_000, 400_000, 3_000_000];
/** `revalidateMs` of the cached mount, and what a machine adds that stands still for a while. */
const STALE_MS = { fresh: 0, cached: 30_000 } as const;
/** Smaller files are sent from memory. */
const SENDFILE_ABOVE_BYTES = 256 * 1024;
/** A directory is asked for with a slash. */
const REFUSALS = new Set([308, 403, 404, 500, 503]);
const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;

/** What a file holds for some time: the first bytes of one stream, so many of them. */
interface Content {
  readonly stream: Buffer;
  readonly minLength: number;
  readonly maxLength: number;
  readonly fromMs: number;
  toMs: number;
}

class TornFile {
  readonly path: string;
  readonly #history: Content[] = [];
  readonly #cuts: { readonly stream: Buffer; readonly length: number; readonly atMs: number }[] = [];
  #version = 0;
  #stream: Buffer;
  #length: number;

  constructor(folder: string, name: string, length: number) {
    this.path = join(folder, name);
    this.#stream = streamOf(name, 0);
    this.#length = length;
    this.#hold(length, length);
    writeFileSync(this.path, this.#stream.subarray(0, length));
  }

  /** Something between the two from now on, until the next call. */
  #hold(a: number, b: number): void {
    const now = performance.now();
    const last = this.#history.at(-1);
    this.#history.push({
      stream: this.#stream,
      minLength: Math.min(a, b),
      maxLength: Math.max(a, b),
      fromMs: now,
      toMs: Number.POSITIVE_INFINITY,
    });
    if (last !== undefined) last.toMs = Number.POSITIVE_INFINITY;
  }

  /** What was is no more. */
  #settle(): void {
    const now = performance.now();
    for (const content of this.#history.slice(0, -1)) content.toMs = Math.min(content.toMs, now);
    while (this.#history.length > 200) this.#history.shift();
  }

  mayBe(body: Buffer, fromMs: number): boolean {
    return this.#history.some(
      ({ stream, minLength, maxLength, toMs }) =>
        toMs >= fromMs &&
        body.length >= minLength &&
        body.length <= maxLength &&
        body.equals(stream.subarray(0, body.length)),
    );
  }

  /** Is it what the file was, but for zeros behind a place where it was cut after the request? */
  mayBeZeroed(body: Buffer, fromMs: number): boolean {
    return this.#history.some(({ stream, minLength, maxLength, toMs }) => {
      if (toMs < fromMs || body.length < minLength || body.length > maxLength) return false;
      const cuts = this.#cuts.filter((cut) => cut.stream === stream && cut.atMs >= fromMs);
      let at = 0;
      while (at < body.length) {
        if (body[at] === stream[at]) {
          at++;
          continue;
        }
        // What was appended behind the cut can be there before the zeros.
        if (body[at] !== 0 || !cuts.some(({ length }) => length <= at)) return false;
        while (at < body.length && body[at] === 0) at++;
      }
      return true;
    });
  }

  truncate(): void {
    const length = Math.floor(this.#length * Math.random());
    this.#hold(length, this.#length);
    this.#cuts.push({ stream: this.#stream, length, atMs: performance.now() });
    if (this.#cuts.length > 200) this.#cuts.shift();
    truncateSync(this.path, length);
    this.#hold(length, length);
    this.#length = length;
    this.#settle();
  }

  grow(): void {
    const length = Math.min(this.#stream.length, this.#length + 1 + Math.floor(Math.random() * 9000));
    this.#hold(this.#length, length);
    appendFileSync(this.path, this.#stream.subarray(this.#length, length));
    this.#hold(length, length);
    this.#length = length;
    this.#settle();
  }

  replace(length: number): void {
    this.#stream = streamOf(this.path, ++this.#version);
    writeFileSync(`${this.path}.new`, this.#stream.subarray(0, length));
    this.#hold(length, length);
    rmSync(this.path, { recursive: true, force: true });
    renameSync(`${this.path}.new`, this.path);
    this.#length = length;
    this.#settle();
  }
}

const CONTENT = noise(SIZES.at(-1)! + 20_000);

/** No two have the same byte where the other has it for long. */
function streamOf(name: string, version: number): Buffer {
  const stamp = Buffer.from(`${name} ${version} `.padEnd(200));
  return Buffer.concat([stamp, CONTENT.subarray(version % 97)]);
}

class Server {
  readonly port: Promise<number>;
  readonly #child: ChildProcess;

  constructor(loop: string, folder: string, slow: string) {
    const program = fileURLToPath(new URL("disk-server.fixture.ts", import.meta.url));
    this.#child = spawn(
      process.execPath,
      ["--import", "tsx", "--conditions=@tz/source", program, loop, folder, slow],
      {
        stdio: ["ignore", "inherit", "inherit", "ipc"],
        env: { ...process.env, NODE_OPTIONS: "", TZ_CHECK: "1" },
        // Whom a mode can keep out.
        ...(isRoot && { uid: NOBODY, gid: NOBODY }),
      },
    );
    this.port = this.#next<{ port: number }>().then(({ port }) => port);
  }

  report(): Promise<LoopLag> {
    const answer = this.#next<LoopLag>();
    this.#child.send("report");
    return answer;
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

interface Answer {
  readonly status: number;
  readonly body: Buffer;
  readonly isWhole: boolean;
}

/** One request on a connection of its own. */
function get(port: number, target: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    const chunks: Buffer[] = [];
    const timer = setTimeout(() => {
      reject(new Error(`no end of the answer to ${target}`));
      socket.destroy();
    }, STEP_MS_MAX);
    socket.on("connect", () =>
      socket.write(`GET ${target} HTTP/1.1\r\nHost: torture\r\nConnection: close\r\n\r\n`),
    );
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(timer);
      const all = Buffer.concat(chunks);
      const end = all.indexOf("\r\n\r\n");
      const head = all.toString("latin1", 0, Math.max(end, 0));
      const body = all.subarray(end + 4);
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN);
      const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? 0);
      resolve({ status, body, isWhole: end >= 0 && body.length === length });
    });
  });
}

class Campaign {
  readonly failures: string[] = [];
  readonly faults: Record<string, number> = {};
  whole = 0;
  refused = 0;
  cut = 0;
  zeroed = 0;
  readonly #folder: string;
  readonly #outside: string;
  readonly #port: number;
  readonly #isZeroCopy: boolean;
  readonly #files: readonly TornFile[];
  #isOver = false;

  constructor(folder: string, outside: string, port: number, isZeroCopy: boolean) {
    this.#isZeroCopy = isZeroCopy;
    this.#folder = folder;
    this.#outside = outside;
    this.#port = port;
    this.#files = SIZES.map((size, i) => new TornFile(join(folder, "dir"), `${i}.bin`, size));
  }

  async run({ seconds, readers }: DiskInit): Promise<void> {
    const endMs = performance.now() + seconds * 1000;
    const reading = Array.from({ length: readers }, () => this.#read());
    const kinds = Object.entries(this.#kinds());
    for (let turn = 0; turn < kinds.length * 2 || performance.now() < endMs; turn++) {
      const [name, fault] = kinds[turn < kinds.length ? turn : Math.floor(Math.random() * kinds.length)]!;
      this.faults[name] = (this.faults[name] ?? 0) + 1;
      await fault(this.#files[Math.floor(Math.random() * this.#files.length)]!);
      await sleep(Math.random() * 15);
    }
    this.#isOver = true;
    await Promise.all(reading);
  }

  #kinds(): Record<string, (file: TornFile) => void | Promise<void>> {
    const again = (file: TornFile): void => file.replace(SIZES[Math.floor(Math.random() * SIZES.length)]!);
    return {
      truncated: (file) => file.truncate(),
      grown: (file) => file.grow(),
      replaced: again,
      deleted: async (file) => {
        rmSync(file.path, { force: true });
        await sleep(20);
        again(file);
      },
      ...(isRoot && {
        unreadable: async (file) => {
          chmodSync(file.path, 0);
          await sleep(20);
          chmodSync(file.path, 0o644);
        },
      }),
      "a pipe": async (file) => {
        rmSync(file.path, { force: true });
        execFileSync("mkfifo", [file.path]);
        chmodSync(file.path, 0o644);
        await sleep(20);
        again(file);
      },
      "a directory": async (file) => {
        rmSync(file.path, { force: true });
        mkdirSync(file.path);
        await sleep(20);
        again(file);
      },
      "directory becomes a link out": async () => {
        const dir = join(this.#folder, "dir");
        renameSync(dir, `${dir}.away`);
        symlinkSync(this.#outside, dir);
        await sleep(30);
        rmSync(dir);
        renameSync(`${dir}.away`, dir);
      },
    };
  }

  async #read(): Promise<void> {
    while (!this.#isOver) {
      const i = Math.floor(Math.random() * this.#files.length);
      const mount = Math.random() < 0.5 ? "fresh" : "cached";
      const startMs = performance.now();
      try {
        const { status, body, isWhole } = await get(this.#port, `/${mount}/dir/${i}.bin`);
        if (status === 200 && isWhole) {
          this.whole++;
          const file = this.#files[i]!;
          const fromMs = startMs - STALE_MS[mount];
          if (file.mayBe(body, fromMs)) continue;
          if (this.#isZeroCopy && body.length > SENDFILE_ABOVE_BYTES && file.mayBeZeroed(body, fromMs))
            this.zeroed++;
          else
            this.#fail(
              `/${mount} ${i}: ${body.length} bytes that it was not, ${body.toString("latin1", 0, 60)}`,
            );
        } else if (status === 200 || status === 0) {
          this.cut++;
        } else if (REFUSALS.has(status)) this.refused++;
        else this.#fail(`/${mount} ${i}: answered ${status}`);
      } catch (error) {
        this.#fail((error as Error).message);
      }
    }
  }

  #fail(what: string): void {
    if (this.failures.length < 50) this.failures.push(`${new Date().toISOString()} ${what}`);
  }
}

const SLOW_BYTES = 1_000_000;
const SLOW_CONTENT = noise(SLOW_BYTES);

/** Another client's answers while a slow file is asked for, again and again. */
async function beside(
  server: Server,
  port: number,
  seconds: number,
): Promise<LoopLag & { slowestMs: number; answers: number; wrong: string | undefined }> {
  await server.report();
  const endMs = performance.now() + seconds * 1000;
  let wrong: string | undefined;
  const slow = async (): Promise<void> => {
    do {
      const { status, body, isWhole } = await get(port, "/slow/slow.bin");
      if (status === 200 && isWhole && !body.equals(SLOW_CONTENT)) wrong = "other bytes of slow.bin";
      if (!(status === 200 && isWhole)) wrong ??= `slow.bin answered ${status}, ${body.length} bytes`;
    } while (performance.now() < endMs);
  };
  const slows = [slow(), slow()];
  let [slowestMs, answers] = [0, 0];
  while (performance.now() < endMs) {
    const startMs = performance.now();
    await get(port, "/cached/still.bin");
    slowestMs = Math.max(slowestMs, performance.now() - startMs);
    answers++;
    await sleep(5);
  }
  await Promise.all(slows);
  const { p99Ms, maxMs } = await server.report();
  return {
    p99Ms: Math.round(p99Ms),
    maxMs: Math.round(maxMs),
    slowestMs: Math.round(slowestMs),
    answers,
    wrong,
  };
}

interface SlowDisk {
  readonly path: string;
  stop(): Promise<void>;
}

/** `undefined` where there is none to be had. */
async function slowDisk(path: string, readMs: number, nameMs: number): Promise<SlowDisk | undefined> {
  if (!isRoot) return undefined;
  const program = fileURLToPath(new URL("slow-file-system.fixture.ts", import.meta.url));
  const child = spawn(
    process.execPath,
    ["--import", "tsx", "--conditions=@tz/source", program, path, `${readMs}`, `${nameMs}`, `${SLOW_BYTES}`],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  const isReady = await new Promise<boolean>((resolve) => {
    child.stdout.once("data", () => resolve(true));
    child.once("exit", () => resolve(false));
  });
  if (!isReady) return undefined;
  return {
    path,
    stop: () =>
      new Promise((resolve) => {
        child.once("exit", () => resolve());
        child.kill("SIGTERM");
      }),
  };
}

export async function tearFiles(init: DiskInit): Promise<DiskTally> {
  const base = mkdtempSync(join(tmpdir(), "tz-disk-faults-"));
  const [folder, outside, slowPath] = ["served", "outside", "slow"].map((name) => join(base, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [folder, join(folder, "dir"), outside, slowPath]) mkdirSync(path);
  chmodSync(base, 0o755);
  writeFileSync(join(folder, "still.bin"), noise(1000));
  for (const [i] of SIZES.entries())
    writeFileSync(join(outside, `${i}.bin`), `secret ${i}`.padEnd(SIZES[i]!));
  const failures: string[] = [];
  const slow: Record<string, LoopLag & { slowestMs: number; answers: number }> = {};
  try {
    let server = new Server(init.loop, folder, "");
    let campaign: Campaign;
    let lag: LoopLag;
    try {
      campaign = new Campaign(folder, outside, await server.port, init.loop === "epoll");
      await campaign.run(init);
      lag = await server.report();
    } finally {
      await server.stop();
    }
    for (const [name, readMs, nameMs] of [
      ["reads take 50 ms", 50, 0],
      ["names take 50 ms", 0, 50],
    ] as const) {
      const disk = await slowDisk(slowPath, readMs, nameMs);
      if (disk === undefined) continue;
      server = new Server(init.loop, folder, slowPath);
      try {
        const { wrong, ...numbers } = await beside(server, await server.port, Math.min(20, init.seconds / 2));
        if (wrong !== undefined) failures.push(`${name}: ${wrong}`);
        slow[name] = numbers;
      } finally {
        await server.stop();
        await disk.stop();
      }
    }
    const { faults, whole, refused, cut, zeroed } = campaign;
    return {
      failures: [...campaign.failures, ...failures],
      faults,
      whole,
      refused,
      cut,
      zeroed,
      lag: { p99Ms: Math.round(lag.p99Ms), maxMs: Math.round(lag.maxMs) },
      slow,
    };
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}
