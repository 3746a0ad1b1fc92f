/**
 * Clients that mean no good, or are on a bad line, one kind after the other, while another client goes on asking for
 * files and compares every byte. What each attack must be answered with is what the options say.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { deflateRawSync, gzipSync } from "node:zlib";
import { AttackedServer } from "./attacked-process.fixture.js";
import type { Holding } from "./attacked-server.fixture.js";
import type { ByteTally } from "./byte-client.fixture.js";
import { noise } from "./noise.fixture.js";
import { Victim } from "./victim.fixture.js";
import { type Waits, waitsOf } from "./waits.fixture.js";
import {
  AnswersJudge,
  clientFrame,
  converse,
  type Judge,
  type Outcome,
  request,
  UPGRADE,
} from "./wire-client.fixture.js";

export interface AttackInit {
  readonly loop: "epoll" | "node";
  /** How many clients attack at a time. */
  readonly clients: number;
  /** How many requests one of them sends without waiting. */
  readonly depth: number;
  /** How many connections are open in the end; 0 leaves that out. */
  readonly connections: number;
  /** Starts over until so much time is gone. */
  readonly seconds: number;
  /** Some of the attacks, by their names; all when left out. */
  readonly only?: readonly string[];
  /**
   * The server has the first core for itself, and the client whose waiting is measured comes before those that attack on
   * the second one: what it waits for is the server, not the attackers' own work.
   */
  readonly pinned?: boolean;
}

export interface WaitsBeside extends Waits {
  /** Of the server. */
  readonly longestTurnMs: number;
}

export interface AttackTally {
  readonly failures: readonly string[];
  readonly attacks: Readonly<Record<string, number>>;
  readonly victim: ByteTally;
  /** How long other clients waited: without attacks, and beside them. Told, not judged: machines are busy. */
  readonly waitsAlone: WaitsBeside;
  readonly waitsAttacked: Waits;
  readonly waitsBeside: Readonly<Record<string, WaitsBeside>>;
  readonly before: Holding;
  readonly peakRssBytes: number;
  readonly after: Holding;
}

const PATIENCE_MS = 100_000;
const LOOKS_MAX = 100;
const LOOK_PAUSE_MS = 100;
/** What all attacks together may cost beyond what the server had, whatever they send. */
const RSS_GROWTH_BYTES_MAX = 300 * 1024 * 1024;
const MIB = 1024 * 1024;
/** The kernel's queue of connections holds 4,096. */
const WAVE = 1000;
const WARM_MS = 3000;
const ALONE_MS_MAX = 20_000;
const ON_FIRST_CORE = ["taskset", "-c", "0"];
const BEFORE_OTHERS = ["nice", "-n", "-15", "taskset", "-c", "1"];

const small = noise(3000);
const large = noise(5_000_000);
const get = (target: string, ...fields: string[]): Buffer => request(`GET ${target}`, fields);
const SMALL = get("/files/small.bin");
const LARGE = get("/files/large.bin");

/** The first answer has one of these statuses. */
class StatusJudge implements Judge {
  readonly refused = false;
  readonly #statuses: readonly number[];
  #bytes: Buffer = Buffer.alloc(0);

  constructor(...statuses: readonly number[]) {
    this.#statuses = statuses;
  }

  get state(): string {
    return `waits for ${this.#statuses.join(" or ")}, has ${this.#bytes.length} bytes`;
  }

  take(chunk: Buffer): boolean {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    if (this.#bytes.length < 12) return false;
    const status = Number(this.#bytes.toString("latin1", 9, 12));
    if (!this.#statuses.includes(status))
      throw new Error(`answered ${status}, not ${this.#statuses.join(" or ")}`);
    return true;
  }
}

/** A Close frame with this code comes, whatever comes before. */
class CloseCodeJudge implements Judge {
  readonly refused = false;
  readonly #code: number;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(code: number) {
    this.#code = code;
  }

  get state(): string {
    return `waits for a Close of ${this.#code}, has ${this.#bytes.toString("latin1", 0, 200)}`;
  }

  take(chunk: Buffer): boolean {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    return this.#bytes.includes(Buffer.from([this.#code >> 8, this.#code & 0xff]));
  }
}

type Attack = (context: { readonly port: number; readonly init: AttackInit }) => Promise<string[]>;

/** So many of these clients at a time; each must end as expected. */
async function crowd(
  { port, init }: { port: number; init: AttackInit },
  send: readonly Buffer[],
  judge: () => Judge,
  allowed: readonly Outcome[] = ["right"],
  clients: number = init.clients,
): Promise<string[]> {
  const outcomes = await Promise.all(
    Array.from({ length: clients }, () => converse({ port, send, judge: judge(), patienceMs: PATIENCE_MS })),
  );
  return outcomes.filter((outcome) => !allowed.includes(outcome));
}

async function connected(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const wave = Array.from({ length: Math.min(WAVE, count - sockets.length) }, () =>
      connect(port, "127.0.0.1"),
    );
    await Promise.all(
      wave.map(
        (socket) =>
          new Promise<void>((resolve, reject) => {
            socket.once("error", reject).once("connect", () => {
              socket.off("error", reject).on("error", () => {});
              resolve();
            });
          }),
      ),
    );
    sockets.push(...wave);
  }
  return sockets;
}

const bigHead = request("GET /files/small.bin", [`X-Filler: ${"x".repeat(40_000)}`]);
const manyFields = request(
  "GET /files/small.bin",
  Array.from({ length: 1000 }, (_, i) => `X-${i}: y`),
);
const longLine = get(`/files/${"a".repeat(20_000)}`);
const ranges = get(
  "/files/large.bin",
  `Range: bytes=${Array.from({ length: 2000 }, (_, i) => `${i}-${i}`).join(",")}`,
);
const bomb = gzipSync(Buffer.alloc(64 * MIB));
const doubleBomb = gzipSync(gzipSync(Buffer.alloc(64 * MIB)));
const posted = (body: Buffer, ...codings: string[]): Buffer =>
  request("POST /echo", [`Content-Length: ${body.length}`, `Content-Encoding: ${codings.join(", ")}`], body);
const UPGRADE_DEFLATE = Buffer.from(
  UPGRADE.toString("latin1").replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"),
  "latin1",
);
/** A compressed message (RSV1) of zeros. */
function compressedFrame(length: number): Buffer {
  const frame = clientFrame(deflateRawSync(Buffer.alloc(length), { finishFlush: 2 }).subarray(0, -4));
  frame[0]! |= 0x40;
  return frame;
}

const ATTACKS: Readonly<Record<string, Attack>> = {
  "one byte at a time": async ({ port, init }) => {
    const judge = (): Judge => new AnswersJudge({ status: 200, body: small });
    const bytes = Array.from(SMALL, (byte) => Buffer.from([byte]));
    return await crowd({ port, init }, bytes, judge);
  },
  "thousands of requests at once": async ({ port, init }) =>
    await crowd(
      { port, init },
      [Buffer.concat(Array.from({ length: init.depth }, () => SMALL))],
      () => new AnswersJudge(...Array.from({ length: init.depth }, () => ({ status: 200, body: small }))),
      ["right"],
      2,
    ),
  "heads that are too large": async (context) => [
    ...(await crowd(context, [bigHead], () => new StatusJudge(431))),
    ...(await crowd(context, [manyFields], () => new StatusJudge(431))),
    ...(await crowd(context, [longLine], () => new StatusJudge(414))),
  ],
  "thousands of ranges": async (context) =>
    await crowd(context, [ranges], () => new AnswersJudge({ status: 200, body: large }), ["right"], 4),
  "bodies that grow": async (context) => [
    ...(await crowd(context, [posted(bomb, "gzip")], () => new StatusJudge(413))),
    ...(await crowd(context, [posted(doubleBomb, "gzip", "gzip")], () => new StatusJudge(413))),
    ...(await crowd(context, [posted(bomb, "gzip", "gzip", "gzip")], () => new StatusJudge(415))),
    ...(await crowd(
      context,
      [request("POST /echo", ["Content-Length: 99999999999"])],
      () => new StatusJudge(413),
    )),
  ],
  "floods of frames": async (context) => [
    // Too many pings in a second.
    ...(await crowd(
      context,
      [UPGRADE, Buffer.concat(Array.from({ length: 20_000 }, () => clientFrame(Buffer.alloc(1), 9)))],
      () => new CloseCodeJudge(1008),
      ["right", "closed"],
    )),
    // A message of more pieces than are allowed.
    ...(await crowd(
      context,
      [UPGRADE, fragments(200_000)],
      () => new CloseCodeJudge(1008),
      ["right", "closed"],
      2,
    )),
    ...(await crowd(
      context,
      [UPGRADE, clientFrame(Buffer.alloc(1_500_000))],
      () => new CloseCodeJudge(1009),
      ["right", "closed"],
    )),
    ...(await crowd(context, [UPGRADE_DEFLATE, compressedFrame(64 * MIB)], () => new CloseCodeJudge(1009), [
      "right",
      "closed",
    ])),
  ],
  "clients that do not read": async ({ port, init }) => {
    const sockets = await connected(port, init.clients);
    for (const socket of sockets) {
      socket.pause();
      socket.write(Buffer.concat([LARGE, LARGE, LARGE]));
    }
    await sleep(200);
    for (const socket of sockets) socket.resetAndDestroy();
    return [];
  },
  "half-open clients": async ({ port, init }) => {
    const sockets = await connected(port, init.clients);
    for (const [i, socket] of sockets.entries()) {
      if (i % 2 === 0) socket.write("GET /files/small.bin HTTP/1.1\r\nHos");
      else socket.end(SMALL);
    }
    await sleep(200);
    for (const socket of sockets) socket.destroy();
    return [];
  },
  "resets in the middle of a body": async ({ port, init }) => {
    const sockets = await connected(port, init.clients);
    await Promise.all(
      sockets.map(
        (socket) =>
          new Promise<void>((resolve) => {
            socket.once("close", () => resolve());
            socket.write(request("POST /echo", ["Content-Length: 500000"], Buffer.alloc(100_000)), () =>
              socket.resetAndDestroy(),
            );
          }),
      ),
    );
    return [];
  },
};

/** One message in so many empty pieces that never ends. */
function fragments(count: number): Buffer {
  const first = clientFrame(Buffer.alloc(0));
  first[0] = 0x02;
  const next = clientFrame(Buffer.alloc(0), 0);
  next[0] = 0x00;
  return Buffer.concat([first, ...Array.from({ length: count }, () => next)]);
}

/** Thousands of connections that want nothing; somebody else is served. They come in a storm, and go in one. */
const CROWD = "thousands of connections";

export const ATTACK_NAMES: readonly string[] = [...Object.keys(ATTACKS), CROWD];

/** Attacks a server of its own. */
export async function attackWithClients(init: AttackInit): Promise<AttackTally> {
  const folder = mkdtempSync(join(tmpdir(), "tz-attacks-"));
  writeFileSync(join(folder, "small.bin"), small);
  writeFileSync(join(folder, "large.bin"), large);
  const server = new AttackedServer(init.loop, folder, init.pinned === true ? ON_FIRST_CORE : []);
  try {
    if (init.pinned === true) execFileSync("taskset", ["-a", "-p", "-c", "1", String(process.pid)]);
    return await new Campaign(init, server, await server.port).run();
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

class Campaign {
  readonly #init: AttackInit;
  readonly #server: AttackedServer;
  readonly #port: number;
  readonly #failures: string[] = [];
  readonly #attacks: Record<string, number> = {};
  readonly #waitsMs: Record<string, number[]> = {};
  readonly #turnMs: Record<string, number> = {};
  #peakRssBytes = 0;

  constructor(init: AttackInit, server: AttackedServer, port: number) {
    this.#init = init;
    this.#server = server;
    this.#port = port;
  }

  async run(): Promise<AttackTally> {
    // Code and tables reach their working size.
    await this.#round(undefined);
    await crowd(
      { port: this.#port, init: this.#init },
      [LARGE],
      () => new AnswersJudge({ status: 200, body: large }),
    );
    const before = await this.#server.settled();
    const victim = new Victim(this.#port, this.#init.pinned === true ? BEFORE_OTHERS : []);
    try {
      return await this.#attack(victim, before);
    } finally {
      victim.end();
    }
  }

  async #attack(victim: Victim, before: Holding): Promise<AttackTally> {
    const { seconds } = this.#init;
    // Its own code reaches its working speed.
    await sleep(seconds > 0 ? WARM_MS : 0);
    await victim.waits();
    await this.#server.glance();
    await sleep(Math.min(ALONE_MS_MAX, seconds * 250));
    const waitsAlone = await victim.waits();
    const { longestTurnMs } = await this.#server.glance();
    const endMs = performance.now() + seconds * 1000;
    do await this.#round(victim);
    while (performance.now() < endMs);
    if (this.#init.connections > 0 && this.#isChosen(CROWD))
      await this.#beside(CROWD, victim, () => this.#fill());
    const tally = await victim.stop();
    let after = await this.#server.settled();
    // What a thread or the collector still closes; what is forgotten stays.
    for (let i = 0; i < LOOKS_MAX && after.descriptors > before.descriptors; i++) {
      await sleep(LOOK_PAUSE_MS);
      after = await this.#server.settled();
    }
    if (after.connections > 0) this.#failures.push(`${after.connections} connections stay`);
    if (after.descriptors > before.descriptors)
      this.#failures.push(`${before.descriptors} descriptors before, ${after.descriptors} after`);
    if (this.#peakRssBytes > before.rssBytes + RSS_GROWTH_BYTES_MAX)
      this.#failures.push(`${before.rssBytes} bytes of memory before, ${this.#peakRssBytes} at the most`);
    this.#failures.push(...tally.failures.map((failure) => `another client: ${failure}`));
    return {
      failures: this.#failures,
      attacks: this.#attacks,
      victim: tally,
      waitsAlone: { ...waitsOf(waitsAlone), longestTurnMs },
      waitsAttacked: waitsOf(Object.values(this.#waitsMs).flat()),
      waitsBeside: Object.fromEntries(
        Object.entries(this.#waitsMs).map(([name, tookMs]) => [
          name,
          { ...waitsOf(tookMs), longestTurnMs: this.#turnMs[name]! },
        ]),
      ),
      before,
      peakRssBytes: this.#peakRssBytes,
      after,
    };
  }

  #isChosen(name: string): boolean {
    return this.#init.only?.includes(name) !== false;
  }

  async #round(victim: Victim | undefined): Promise<void> {
    for (const [name, attack] of Object.entries(ATTACKS)) {
      if (!this.#isChosen(name)) continue;
      await this.#beside(name, victim, () => attack({ port: this.#port, init: this.#init }));
    }
  }

  /** What others wait meanwhile is noted with the attack's name. */
  async #beside(name: string, victim: Victim | undefined, attack: () => Promise<string[]>): Promise<void> {
    const wrong = await attack();
    this.#attacks[name] = (this.#attacks[name] ?? 0) + 1;
    if (wrong.length > 0) this.#failures.push(`${name}: ${wrong.length} times, first ${wrong[0]}`);
    const { longestTurnMs } = await this.#look();
    if (victim === undefined) return;
    this.#waitsMs[name] = [...(this.#waitsMs[name] ?? []), ...(await victim.waits())];
    this.#turnMs[name] = Math.max(this.#turnMs[name] ?? 0, longestTurnMs);
  }

  async #fill(): Promise<string[]> {
    const sockets = await connected(this.#port, this.#init.connections);
    await this.#look();
    const outcome = await converse({
      port: this.#port,
      send: [SMALL],
      judge: new AnswersJudge({ status: 200, body: small }),
      patienceMs: PATIENCE_MS,
    });
    for (const socket of sockets) socket.destroy();
    return outcome === "right" ? [] : [outcome];
  }

  async #look(): Promise<Holding> {
    const holding = await this.#server.glance();
    this.#peakRssBytes = Math.max(this.#peakRssBytes, holding.rssBytes);
    return holding;
  }
}
