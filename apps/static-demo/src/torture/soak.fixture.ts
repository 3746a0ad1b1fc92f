/**
 * Mixed traffic for a while: files, ranges, conditional requests, JSON, bodies, uploads, WebSocket messages and
 * terminals, each compared, at half of the load that the server could take. Beside it what the server holds is looked
 * at: after the warm-up nothing may grow.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AttackedServer } from "./attacked-process.fixture.js";
import type { Holding } from "./attacked-server.fixture.js";
import { ByteClient } from "./byte-client.fixture.js";
import { type Growth, heapGrowth } from "./heap-comparison.fixture.js";
import { noise } from "./noise.fixture.js";
import {
  AnswersJudge,
  clientFrame,
  converse,
  MessagesJudge,
  request,
  UPGRADE,
} from "./wire-client.fixture.js";

export interface SoakTally {
  readonly failures: readonly string[];
  readonly requests: number;
  readonly conversations: number;
  /** The server's share of a core without pauses, and as it was held after that. */
  readonly fullShare: number;
  readonly heldShare: number;
  /** Of the second half: what a line through the samples rises by in an hour. */
  readonly rssBytesPerHour: number;
  readonly rssBytes: readonly number[];
  readonly descriptors: readonly number[];
  readonly timers: readonly number[];
  readonly regions: readonly number[];
  /** From the middle to the end, when nobody was connected either time: the kinds that grew most. */
  readonly heapGrowth: readonly Growth[];
}

const SAMPLES = 60;
const PATIENCE_MS = 100_000;
/** Descriptors and timers of connections that come and go. */
const SPREAD = 40;
/** More than the collector's own ups and downs. */
const RSS_GROWTH_MAX = 1.15;
const HEAP_GROWTH_BYTES_MAX = 2 * 1024 * 1024;
/** Of one named kind. A table that was doubled counts a few. */
const OBJECTS_GROWTH_MAX = 300;
const FULL_SHARE_MS = 5000;

/** How long connections pause, so that the server does half of what it could. */
class Pace {
  readonly #server: AttackedServer;
  #last: { readonly atMs: number; readonly cpuMs: number } | undefined;
  #pauseMs = 0;
  fullShare = 0;
  readonly shares: number[] = [];

  constructor(server: AttackedServer) {
    this.#server = server;
  }

  readonly pause = async (): Promise<void> => {
    if (this.#pauseMs > 0) await sleep(this.#pauseMs * (0.5 + Math.random()));
  };

  async #share(): Promise<number> {
    const { cpuMs } = await this.#server.report();
    const now = { atMs: performance.now(), cpuMs };
    const last = (this.#last ??= now);
    this.#last = now;
    return (now.cpuMs - last.cpuMs) / Math.max(1, now.atMs - last.atMs);
  }

  async measure(): Promise<void> {
    await this.#share();
    await sleep(FULL_SHARE_MS);
    this.fullShare = await this.#share();
    this.#pauseMs = 2;
  }

  /** A little longer or shorter from now on. */
  async adjust(): Promise<void> {
    const share = await this.#share();
    this.shares.push(share);
    this.#pauseMs = Math.min(200, Math.max(0.2, this.#pauseMs * (share > this.fullShare / 2 ? 1.3 : 0.8)));
  }
}

export async function soak(loop: "epoll" | "node", seconds: number): Promise<SoakTally> {
  const folder = mkdtempSync(join(tmpdir(), "tz-soak-"));
  const heaps = mkdtempSync(join(tmpdir(), "tz-soak-heaps-"));
  const files = [0, 1, 3000, 60_000, 1_500_000].map((size) => {
    writeFileSync(join(folder, `${size}.bin`), noise(size));
    return { target: `/files/${size}.bin`, bytes: noise(size) };
  });
  const server = new AttackedServer(loop, folder);
  try {
    const port = await server.port;
    const pace = new Pace(server);
    const failures: string[] = [];
    const holdings: Holding[] = [];
    let [requests, conversations] = [0, 0];

    /** Traffic for so many samples, then nobody. */
    const traffic = async (samples: number): Promise<void> => {
      const client = new ByteClient(port, files, 6, pace.pause);
      let isOver = false;
      const talker = async (): Promise<void> => {
        while (!isOver) {
          const outcome = await converse({ port, patienceMs: PATIENCE_MS, ...talk(conversations++) });
          if (outcome !== "right") failures.push(`conversation ${conversations}: ${outcome}`);
          await pace.pause();
        }
      };
      const talkers = Array.from({ length: 4 }, talker);
      if (pace.fullShare === 0) await pace.measure();
      for (let i = 0; i < samples; i++) {
        // Half a second is the least from which a share can be told.
        const steps = Math.max(1, Math.floor((seconds * 2) / SAMPLES));
        for (let step = 0; step < steps; step++) {
          await sleep((seconds * 1000) / SAMPLES / steps);
          await pace.adjust();
        }
        holdings.push(await server.report());
      }
      isOver = true;
      await Promise.all(talkers);
      const tally = await client.stop();
      failures.push(...tally.failures);
      requests += tally.requests;
    };

    await traffic(SAMPLES / 2);
    // What waits for a tick of a wheel is gone then.
    await server.settled();
    await sleep(SETTLE_MS);
    const middle = await server.snapshot(join(heaps, "middle"));
    await traffic(SAMPLES / 2);
    await server.settled();
    await sleep(SETTLE_MS);
    const end = await server.snapshot(join(heaps, "end"));
    const growth = heapGrowth(join(heaps, "middle"), join(heaps, "end"));

    failures.push(...grown(holdings, middle, end, growth));
    const later = holdings.slice(SAMPLES / 2).map(({ rssBytes }) => rssBytes);
    const of = (name: keyof Holding): number[] => holdings.map((holding) => holding[name]);
    return {
      failures,
      requests,
      conversations,
      fullShare: round(pace.fullShare),
      heldShare: round(pace.shares.reduce((sum, share) => sum + share, 0) / pace.shares.length),
      rssBytesPerHour: Math.round(slope(later) * ((3600 * SAMPLES) / seconds)),
      rssBytes: of("rssBytes"),
      descriptors: of("descriptors"),
      timers: of("timers"),
      regions: of("regions"),
      heapGrowth: growth.slice(0, 10),
    };
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
    rmSync(heaps, { recursive: true, force: true });
  }
}

const SETTLE_MS = 3000;

/** What grew that may not. */
function grown(
  holdings: readonly Holding[],
  middle: Holding,
  end: Holding,
  growth: readonly Growth[],
): string[] {
  const failures: string[] = [];
  const later = holdings.slice(SAMPLES / 2);
  const least = (part: readonly Holding[]): number => Math.min(...part.map(({ rssBytes }) => rssBytes));
  const [lowest, last] = [least(later.slice(0, SAMPLES / 4)), least(later.slice(SAMPLES / 4))];
  if (last > lowest * RSS_GROWTH_MAX) failures.push(`memory grows: ${lowest} bytes, then ${last}`);
  for (const name of ["descriptors", "timers", "regions"] as const) {
    const values = later.map((holding) => holding[name]);
    const [min, max] = [Math.min(...values), Math.max(...values)];
    if (max - min > SPREAD) failures.push(`${name}: ${min} to ${max}`);
    if (end[name] > middle[name]) failures.push(`${name} of nobody: ${middle[name]}, then ${end[name]}`);
  }
  if (end.terminals > 0) failures.push(`${end.terminals} terminals stay`);
  const heapBytes = growth.reduce((sum, { bytes }) => sum + bytes, 0);
  if (heapBytes > HEAP_GROWTH_BYTES_MAX) failures.push(`the heap grows by ${heapBytes} bytes`);
  for (const { kind, count } of growth) {
    if (/^(object|native|closure) ./.test(kind) && count > OBJECTS_GROWTH_MAX)
      failures.push(`${count} more of ${kind}`);
  }
  return failures;
}

const round = (share: number): number => Math.round(share * 1000) / 1000;

const POSTED = noise(20_000);
const UPLOADED = noise(800_000);
const MESSAGES = [noise(1), noise(5000)];
const JSON_SENT = Buffer.from(JSON.stringify({ name: "\u00e4".repeat(100), list: [1, 2.5, null, true] }));
const JSON_GOT = Buffer.from(`{"got":${JSON_SENT}}`);
const UPGRADE_TERMINAL = Buffer.from(
  UPGRADE.toString("latin1")
    .replace("/socket", "/terminal")
    .replace("\r\n\r\n", "\r\nOrigin: http://torture\r\nSec-WebSocket-Protocol: tz-terminal.1\r\n\r\n"),
  "latin1",
);

type Talk = Pick<Parameters<typeof converse>[0], "send" | "judge">;

const TALKS: readonly (() => Talk)[] = [
  () => ({
    send: [request("POST /echo", [`Content-Length: ${POSTED.length}`], POSTED)],
    judge: new AnswersJudge({ status: 200, body: POSTED }),
  }),
  () => ({
    send: [UPGRADE, ...MESSAGES.map((message) => clientFrame(message))],
    judge: new MessagesJudge(...MESSAGES),
  }),
  () => ({
    send: [request("GET /files/3000.bin", [`If-Modified-Since: ${new Date().toUTCString()}`])],
    judge: new NotModifiedJudge(),
  }),
  () => ({
    send: [
      request(
        "POST /json",
        ["Content-Type: application/json", `Content-Length: ${JSON_SENT.length}`],
        JSON_SENT,
      ),
    ],
    judge: new AnswersJudge({ status: 200, body: JSON_GOT }),
  }),
  () => ({
    send: [request("POST /upload", [`Content-Length: ${UPLOADED.length}`], UPLOADED)],
    judge: new AnswersJudge({ status: 200, body: Buffer.from(`{"length":${UPLOADED.length}}`) }),
  }),
];
/** One conversation in so many is with a shell: a process is much. */
const TERMINAL_EVERY = 50;

function talk(turn: number): Talk {
  if (turn % TERMINAL_EVERY === 0) return talkToShell(turn);
  return TALKS[turn % TALKS.length]!();
}

function talkToShell(turn: number): Talk {
  const say = (text: string): Buffer => clientFrame(Buffer.from(text));
  return {
    // The quotes keep what is typed, which comes back too, apart from what is said.
    send: [
      UPGRADE_TERMINAL,
      say('{"AuthToken":"","columns":80,"rows":24}'),
      say(`0echo so''ak ${turn} so''far\n`),
      say("0exit\n"),
    ],
    judge: new OutputJudge(`soak ${turn} sofar`),
  };
}

/** Somewhere in all frames there is this text, and the shell's end comes behind it. */
class OutputJudge {
  readonly refused = false;
  readonly #wanted: string;
  #text = "";

  constructor(wanted: string) {
    this.#wanted = wanted;
  }

  get state(): string {
    return `waits for ${this.#wanted}, has ${JSON.stringify(this.#text.slice(-300))}`;
  }

  take(chunk: Buffer): boolean {
    this.#text += chunk.toString("latin1");
    const at = this.#text.indexOf(this.#wanted);
    return at >= 0 && this.#text.indexOf('4{"', at) >= 0;
  }
}

/** 304, without a body. */
class NotModifiedJudge {
  readonly refused = false;
  state = "waits for 304";

  take(chunk: Buffer): boolean {
    const text = chunk.toString("latin1");
    if (!text.startsWith("HTTP/1.1 304 ") || !text.endsWith("\r\n\r\n")) throw new Error(text.slice(0, 60));
    return true;
  }
}

/** By least squares, for a step of one sample. */
function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let rise = 0;
  let run = 0;
  for (const [i, value] of values.entries()) {
    rise += (i - middle) * (value - mean);
    run += (i - middle) ** 2;
  }
  return rise / run;
}
