import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findCores } from "../harness/cores.js";
import { type FigureTable, figureTable, type Measured } from "../harness/figures.js";
import type { Scenario } from "../harness/scenario.js";
import { probeAll, serveInTurn } from "../harness/serve-in-turn.js";
import { ServerProcess } from "../harness/server-process.js";
import type { Settings } from "../harness/settings.js";
import { loadTargets, type Serving } from "../harness/target.js";
import { type ExchangeResult, runExchange } from "../load/exchange.js";
import { HeldConnections } from "../load/hold.js";
import { missingCompiler } from "../load/program.js";
import { type PullResult, runPull } from "../load/pull.js";
import { echoOf, frameOf, HANDSHAKE, streamFrame } from "../site/web-socket.js";

const SIZES = [
  { name: "125 B", bytes: 125 },
  { name: "16 KB", bytes: 16 * 1024 },
];
const MB = 1e6;
const BULK_BYTES = 500 * MB;
const BULK_BYTES_TINY = 2 * MB;
const RATE = 5000;
const RATE_TINY = 100;
const OPEN = { few: 500, many: 5500 };
const OPEN_TINY = { few: 5, many: 25 };
const OPEN_ROUNDS_MAX = 1;
/** Memory that is no longer needed goes back late. */
const SETTLE_MS = 1500;
const SUBJECT = "tz-splice";
const FRAMES = "tz-frames";

type Site = Omit<Serving, "port">;

interface Proxies {
  readonly targets: readonly string[];
  readonly work: string;
  readonly settings: Settings;
}

/** Starts an upstream on the core for load; its own cost is not counted. */
async function withUpstream<Result>(
  name: string,
  { work }: Proxies,
  run: (site: Site) => Promise<Result>,
): Promise<Result> {
  const [target] = await loadTargets([name]);
  const cores = findCores();
  const upstream = await ServerProcess.start(
    target!,
    { root: work, work },
    "load" in cores ? cores.load : undefined,
  );
  try {
    return await run({ root: work, work, upstreamPort: upstream.port });
  } finally {
    await upstream.stop();
  }
}

/** Once for each of the two modes as the subject, so that both can be compared with the peers round by round. */
function bothModes(heading: Omit<FigureTable, "rows" | "subject">, measured: readonly Measured[]) {
  const tables = [figureTable({ ...heading, subject: SUBJECT }, measured)];
  const peers = measured.filter(({ target }) => target !== SUBJECT);
  if (peers.some(({ target }) => target === FRAMES))
    tables.push(
      figureTable(
        {
          ...heading,
          name: `${heading.name}, frames`,
          title: `${heading.title}, beside frames`,
          subject: FRAMES,
        },
        peers,
      ),
    );
  return tables;
}

const echoLoad = (payload: Uint8Array, connections: number, rate: number) => ({
  connections,
  rate,
  request: frameOf(payload),
  answerBytes: 0,
  upgrade: { handshake: HANDSHAKE, expected: echoOf(payload) },
});

const payloadOf = (bytes: number) => Buffer.alloc(bytes, "echo me, and do not forget it. ");

/** CPU time of the proxy for a message to the upstream and its echo. */
function messages(proxies: Proxies, { name, bytes }: (typeof SIZES)[number]): Promise<FigureTable[]> {
  const { targets, work, settings } = proxies;
  return withUpstream("tz-ws", proxies, async (site) => {
    const load = echoLoad(payloadOf(bytes), settings.connections, 0);
    const seconds = settings.tiny ? 0.3 : settings.seconds;
    const measured = await serveInTurn(await probeAll(targets), site, settings, async (server, warm) => {
      const before = server.measure().cpuMicros;
      const run = { ...load, port: server.port, seconds: warm ? seconds : Math.min(1, seconds) };
      const { answers } = await runExchange(run, work);
      return (server.measure().cpuMicros - before) / Math.max(1, answers);
    });
    const title = `Messages of ${name} to an upstream and back, each echoed before the next is sent`;
    return bothModes({ name, title, unit: "CPU µs per message" }, measured);
  });
}

/** One connection on which the upstream sends without end. */
function bulk(proxies: Proxies): Promise<FigureTable[]> {
  const { targets, work, settings } = proxies;
  writeFileSync(join(work, "stream-frame"), streamFrame);
  return withUpstream("ws-flood", proxies, async (site) => {
    const pulls = new Map<string, PullResult[]>();
    const bytes = settings.tiny ? BULK_BYTES_TINY : BULK_BYTES;
    const measured = await serveInTurn(await probeAll(targets), site, settings, async (server, warm) => {
      const before = server.measure().cpuMicros;
      const taken = await runPull(
        { port: server.port, bytes, handshake: HANDSHAKE, begin: frameOf(payloadOf(5)), frame: streamFrame },
        work,
      );
      const { name } = server.target;
      if (warm) pulls.set(name, [...(pulls.get(name) ?? []), taken]);
      return (server.measure().cpuMicros - before) / (taken.bytes / MB);
    });
    const times = measured.map((one) => ({
      ...one,
      values: pulls.get(one.target)!.map((taken) => (taken.seconds / taken.bytes) * 100 * MB),
    }));
    return [
      ...bothModes(
        { name: "bulk", title: "Bytes of one WebSocket, in frames of 64 KB", unit: "CPU µs per MB" },
        measured,
      ),
      ...bothModes({ name: "bulk time", title: "The same: until 100 MB were there", unit: "seconds" }, times),
    ];
  });
}

/** Messages at fixed times: what a proxy adds for those who wait. */
function latencies(proxies: Proxies): Promise<FigureTable[]> {
  const { targets, work, settings } = proxies;
  return withUpstream("tz-ws", proxies, async (site) => {
    const rate = settings.tiny ? RATE_TINY : RATE;
    const load = { ...echoLoad(payloadOf(125), settings.connections, rate), sleeps: true };
    const results = new Map<string, ExchangeResult[]>();
    const measured = await serveInTurn(await probeAll(targets), site, settings, async (server, warm) => {
      const { port, target } = server;
      const result = await runExchange({ ...load, port, seconds: warm ? settings.seconds : 1 }, work);
      if (warm) results.set(target.name, [...(results.get(target.name) ?? []), result]);
      return result.p99;
    });
    return (["p50", "p99"] as const).map((name) =>
      figureTable(
        {
          name,
          title: `${name} of a message to the upstream and back, ${rate} of 125 B a second`,
          unit: "µs",
          subject: SUBJECT,
        },
        measured.map((one) => ({ ...one, values: results.get(one.target)!.map((result) => result[name]) })),
      ),
    );
  });
}

/** What each open WebSocket adds to the resident memory of the proxy's processes. */
function memory(proxies: Proxies): Promise<FigureTable> {
  const { targets, settings, work } = proxies;
  const { few, many } = settings.tiny ? OPEN_TINY : OPEN;
  return withUpstream("tz-ws", proxies, async (site) => {
    const { present } = await probeAll(targets);
    const measured: Measured[] = present.map(({ target, version }) => ({
      target: target.name,
      about: target.about,
      version,
      values: [] as number[],
    }));
    for (let round = 1; round <= Math.min(OPEN_ROUNDS_MAX, settings.rounds); round++) {
      for (const [i, { target }] of present.entries()) {
        settings.progress(`round ${round}: ${target.name}, ${many - few} open WebSockets`);
        const server = await ServerProcess.start(target, site);
        const held = new HeldConnections(server.port, work);
        const settled = async (count: number) => {
          await held.growTo(count, HANDSHAKE);
          await sleep(settings.tiny ? 0 : SETTLE_MS);
          return server.measure().residentKiB * 1024;
        };
        try {
          await settled(few);
          await held.close();
          const before = await settled(few);
          (measured[i]!.values as number[]).push(((await settled(many)) - before) / (many - few));
        } finally {
          await held.close();
          await server.stop();
        }
      }
    }
    const title = `Resident memory for each open WebSocket, ${few} to ${many} of them`;
    return figureTable({ name: "memory", title, unit: "bytes", subject: SUBJECT }, measured);
  });
}

export const scenario: Scenario = {
  name: "ws-proxy",
  title: "WebSockets through a proxy",
  targets: [SUBJECT, FRAMES, "nginx-proxy", "http-proxy-3"],
  async run(work, targets, settings) {
    const noCompiler = missingCompiler();
    if (noCompiler) throw new Error(noCompiler);
    const proxies = { targets, work, settings };
    const tables: FigureTable[] = [];
    for (const size of SIZES) tables.push(...(await messages(proxies, size)));
    tables.push(...(await bulk(proxies)), ...(await latencies(proxies)), await memory(proxies));
    const { missing } = await probeAll(targets);
    return {
      tables,
      conditions: `Every byte compared with what was sent. The proxy has one core, upstream and client share the other; for the latencies the client sleeps until a message is due; ${settings.connections} connections, one for bulk. The upstream's time is in the latencies, its CPU is not in the cost. MB are 10⁶ bytes.`,
      missing,
    };
  },
};
