/**
 * Every system call of a scene fails once, in every way in which it can: first a run that counts the calls, then one
 * run for each call and error, with a server of its own. What the client gets must be right, an honest refusal, or the
 * connection's end; the next client must be served; and when the server is closed, no descriptor and no memory that the
 * kernel knows may be left.
 *
 * Prints one JSON object. Arguments: names of scenes, none for all; `--calls N`.
 */
import "./faulty-kernel.fixture.js";
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type App, bytes, createServer, selfSignedCertificate } from "@tz/server";
import { staticMount } from "@tz/static";
import { regionStats } from "@tz/sys";
import { FAULTS, type Fault, type FaultKind, kernel } from "./faulty-kernel.fixture.js";
import { noise } from "./noise.fixture.js";
import {
  AnswersJudge,
  clientFrame,
  converse,
  type Expected,
  type Judge,
  MessagesJudge,
  type Outcome,
  request,
  UPGRADE,
} from "./wire-client.fixture.js";

/** Of whatever a server waits for. Nothing here waits for it unless something was forgotten. */
const TIMEOUT_MS = 4000;
const PATIENCE_MS = 20_000;
/** Of Node's loop, for connections to end after their clients. */
const TURNS_MAX = 1000;
/** How long closing may take, until what is still held counts as forgotten. */
const LEAK_MS_MAX = 2000;
/** Of each function only so many calls in a row fail, each in its turn: `--calls N`. */
const CALLS_MAX = 40;

const { values: given, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { calls: { type: "string", default: String(CALLS_MAX) } },
});
const callsMax = Number(given.calls);
const folder = mkdtempSync(join(tmpdir(), "tz-faults-"));
const small = noise(3000);
const large = noise(1_500_000);
const posted = noise(100_000);
const messages = [noise(1), noise(1000), noise(150_000)];
for (const [name, bytes] of [
  ["small.bin", small],
  ["large.bin", large],
] as const) {
  writeFileSync(join(folder, name), bytes);
  // At rest: what was written in this moment is not kept.
  utimesSync(join(folder, name), 1_700_000_000, 1_700_000_000);
}
const tls = selfSignedCertificate();

interface Scene {
  readonly secure?: boolean;
  readonly send: readonly Buffer[];
  judge(): Judge;
}

const ok = (body: Buffer): Expected => ({ status: 200, body });
const get = (target: string, ...fields: string[]): Buffer => request(`GET ${target}`, fields);
const post = request("POST /echo", [`Content-Length: ${posted.length}`], posted);
const chunked = request(
  "POST /echo",
  ["Transfer-Encoding: chunked"],
  Buffer.concat([Buffer.from(`${posted.length.toString(16)}\r\n`), posted, Buffer.from("\r\n0\r\n\r\n")]),
);

const SCENES: Readonly<Record<string, Scene>> = {
  cached: {
    send: [get("/cached/small.bin"), get("/cached/small.bin")],
    judge: () => new AnswersJudge(ok(small), ok(small)),
  },
  cold: {
    send: [get("/cold/small.bin"), get("/cold/small.bin")],
    judge: () => new AnswersJudge(ok(small), ok(small)),
  },
  range: {
    send: [get("/cached/large.bin", "Range: bytes=1000-200999")],
    judge: () => new AnswersJudge({ status: 206, body: large.subarray(1000, 201_000) }),
  },
  sendfile: {
    send: [get("/cached/large.bin")],
    judge: () => new AnswersJudge(ok(large)),
  },
  pipelined: {
    send: [
      Buffer.concat([
        get("/cached/small.bin"),
        get("/cold/small.bin"),
        get("/cached/large.bin"),
        get("/cached/small.bin"),
        post,
        get("/cached/small.bin"),
      ]),
    ],
    judge: () => new AnswersJudge(ok(small), ok(small), ok(large), ok(small), ok(posted), ok(small)),
  },
  post: {
    send: [post, chunked],
    judge: () => new AnswersJudge(ok(posted), ok(posted)),
  },
  "web socket": {
    send: [UPGRADE, ...messages.map((message) => clientFrame(message))],
    judge: () => new MessagesJudge(...messages),
  },
  "tls file": {
    secure: true,
    send: [get("/cached/small.bin"), get("/cached/large.bin"), get("/cold/small.bin")],
    judge: () => new AnswersJudge(ok(small), ok(large), ok(small)),
  },
  "tls post": {
    secure: true,
    send: [post],
    judge: () => new AnswersJudge(ok(posted)),
  },
};

interface Served {
  readonly port: number;
  close(): Promise<void>;
}

async function serve(scene: Scene): Promise<Served> {
  let app: App | undefined;
  const mounts: ReturnType<typeof staticMount>[] = [];
  try {
    app = createServer({
      loop: "epoll",
      tickMs: 10,
      headTimeoutMs: TIMEOUT_MS,
      bodyTimeoutMs: TIMEOUT_MS,
      writeTimeoutMs: TIMEOUT_MS,
      idleTimeoutMs: TIMEOUT_MS,
      lingerTimeoutMs: 200,
      maxBodyBytes: 1_000_000,
    });
    mounts.push(staticMount("/cached", folder, { cache: { maxEntryBytes: 100_000 }, compress: false }));
    mounts.push(staticMount("/cold", folder, { cache: { bytes: 0 }, compress: false, precompressed: [] }));
    for (const mount of mounts) app.mount(mount);
    app.onError(() => {});
    app.post("/echo", async (incoming) => bytes(await incoming.bytes()));
    app.ws("/socket", {
      message(socket, data) {
        socket.send(data);
      },
    });
    const { port } = await app.listen({ port: 0, ...(scene.secure === true ? { tls } : {}) });
    const served = app;
    return { port, close: () => closeOf(served) };
  } catch (error) {
    if (app !== undefined) await app.close({ timeoutMs: 100 });
    else for (const mount of mounts) mount.close();
    throw error;
  }
}

/** Without the pauses that a close makes while somebody is connected. */
async function closeOf(app: App): Promise<void> {
  for (let turns = 0; app.stats().connections > 0 && turns < TURNS_MAX; turns++) await turn();
  await app.close({ timeoutMs: 100 });
}

interface Held {
  readonly descriptors: number;
  readonly regions: number;
  readonly bytes: number;
}

function held(): Held {
  return { descriptors: readdirSync("/proc/self/fd").length, ...regionStats() };
}

/** Waits until no more is held than before; tells what stays. */
async function leftOver(before: Held): Promise<string | undefined> {
  const endMs = performance.now() + LEAK_MS_MAX;
  // Turns too: a machine that stands still closes nothing meanwhile.
  for (let turns = 0; ; turns++) {
    const now = held();
    const isLess = (["descriptors", "regions", "bytes"] as const).every((name) => now[name] <= before[name]);
    if (isLess) return undefined;
    if (performance.now() > endMs && turns > TURNS_MAX)
      return `left over: ${JSON.stringify(before)} -> ${JSON.stringify(now)}`;
    await turn();
  }
}

interface Finding {
  readonly scene: string;
  readonly fault: Fault;
  readonly what: string;
}

/** What is printed. */
export interface FaultReport {
  readonly runs: number;
  readonly notReached: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly slowestMs: number;
  readonly findings: readonly Finding[];
}

const findings: Finding[] = [];
const outcomes: Record<string, number> = { right: 0, closed: 0, refused: 0 };
let runs = 0;
let notReached = 0;
let slowestMs = 0;

const talk = (scene: Scene, port: number): Promise<Outcome> =>
  converse({
    port,
    secure: scene.secure === true,
    send: scene.send,
    judge: scene.judge(),
    patienceMs: PATIENCE_MS,
  });

/** Serves a client, with the fault from the first connection on. */
async function attempt(scene: Scene, fault: Fault | undefined): Promise<string | undefined> {
  const server = await serve(scene);
  let problem: string | undefined;
  try {
    const startMs = performance.now();
    kernel.arm(fault);
    const outcome = await talk(scene, server.port);
    kernel.disarm();
    const tookMs = performance.now() - startMs;
    slowestMs = Math.max(slowestMs, tookMs);
    if (outcome in outcomes) outcomes[outcome]!++;
    else problem = outcome;
    if (outcome === "closed" && tookMs >= TIMEOUT_MS)
      problem = `stalled until a timeout closed it (${Math.round(tookMs)} ms)`;
    if (fault === undefined && outcome !== "right") problem = `without a fault: ${outcome}`;
    const next = await talk(scene, server.port);
    // Who may not read is believed for a while; other errors are not kept.
    const isKept = fault?.kind === "EACCES" && next === "refused";
    if (next !== "right" && !isKept) problem ??= `the next client: ${next}`;
  } finally {
    kernel.disarm();
    await server.close();
  }
  return problem;
}

/** What a fault does it does each time. A machine that stands still for seconds lets timeouts go by once. */
const TRIES = 3;

async function tryScene(
  name: string,
  attemptOnce: (fault: Fault | undefined) => Promise<string | undefined>,
): Promise<void> {
  const run = async (fault: Fault | undefined): Promise<string | undefined> => {
    let what: string | undefined;
    for (let tries = 0; tries === 0 || (what !== undefined && tries < TRIES); tries++)
      what = await attemptOnce(fault);
    return what;
  };
  // Twice: what is made once for the process is there afterwards.
  await run(undefined);
  const problem = await run(undefined);
  const calls = new Map(kernel.calls);
  if (problem !== undefined)
    findings.push({ scene: name, fault: { call: "none", nth: 0, kind: "failed" }, what: problem });
  let before = held();
  for (const [call, count] of calls) {
    for (let nth = 1; nth <= Math.min(count, callsMax); nth++) {
      for (const kind of FAULTS[call]!) {
        const fault: Fault = { call, nth, kind };
        runs++;
        let what = await run(fault);
        if (!kernel.fired) notReached++;
        let left = await leftOver(before);
        if (left !== undefined) {
          // Something may be made once for the process: then the same again leaves nothing more.
          before = held();
          await run(fault);
          left = await leftOver(before);
          before = held();
        }
        what ??= left;
        if (process.env.TZ_FAULT_TRACE !== undefined) console.error(name, call, nth, kind, what ?? "");
        if (what !== undefined) findings.push({ scene: name, fault, what });
      }
    }
  }
}

/** From nothing to a first answer, with a fault anywhere on the way. */
async function attemptStart(scene: Scene, fault: Fault | undefined): Promise<string | undefined> {
  kernel.arm(fault);
  let server: Served;
  try {
    server = await serve(scene);
  } catch (error) {
    kernel.disarm();
    if (fault === undefined) throw error;
    outcomes.refused!++;
    return undefined;
  }
  kernel.disarm();
  try {
    const outcome = await talk(scene, server.port);
    if (outcome in outcomes) outcomes[outcome]!++;
    return outcome === "right" ? undefined : `started, but: ${outcome}`;
  } finally {
    await server.close();
  }
}

const STARTS: Readonly<Record<string, Scene>> = {
  start: SCENES.cached!,
  "start tls": SCENES["tls post"]!,
};

/** Two faults: no descriptor for a connection, then no memory to listen on. */
async function attemptResume(kind: FaultKind): Promise<string | undefined> {
  const scene = SCENES.cached!;
  const server = await serve(scene);
  try {
    // The first registration after the pause is the listener's own.
    kernel.arm({ call: "accept4", nth: 1, kind: "EMFILE" }, { call: "epoll_ctl", nth: 2, kind });
    const outcome = await talk(scene, server.port);
    kernel.disarm();
    runs++;
    outcomes.refused! += kernel.fired ? 1 : 0;
    return outcome === "right" ? undefined : outcome;
  } finally {
    kernel.disarm();
    await server.close();
  }
}

const isWanted = (name: string): boolean => wanted.length === 0 || wanted.includes(name);
try {
  for (const [name, scene] of Object.entries(SCENES)) {
    if (isWanted(name)) await tryScene(name, (fault) => attempt(scene, fault));
  }
  for (const [name, scene] of Object.entries(STARTS)) {
    if (isWanted(name)) await tryScene(name, (fault) => attemptStart(scene, fault));
  }
  if (isWanted("resume")) {
    for (const kind of FAULTS.epoll_ctl!) {
      let what = await attemptResume(kind);
      for (let tries = 1; what !== undefined && tries < TRIES; tries++) what = await attemptResume(kind);
      if (what !== undefined)
        findings.push({ scene: "resume", fault: { call: "epoll_ctl", nth: 2, kind }, what });
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const report: FaultReport = { runs, notReached, outcomes, slowestMs: Math.round(slowestMs), findings };
console.log(JSON.stringify(report, undefined, 2));
process.exitCode = findings.length === 0 ? 0 : 1;
