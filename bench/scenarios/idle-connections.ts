import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { exchange } from "../harness/exchange.js";
import { type FigureTable, figureTable, type Measured } from "../harness/figures.js";
import type { Scenario } from "../harness/scenario.js";
import { type Probed, probeAll } from "../harness/serve-in-turn.js";
import { ServerProcess } from "../harness/server-process.js";
import type { Settings } from "../harness/settings.js";
import type { Target } from "../harness/target.js";
import { runExchange } from "../load/exchange.js";
import { HeldConnections } from "../load/hold.js";
import { missingCompiler } from "../load/program.js";
import { makeSite, styleSheet } from "../site/style-sheet.js";

interface Counts {
  /** The first connections make the server ready: pools, tables, compiled code. */
  readonly few: number;
  readonly many: number;
  readonly all: number;
}

const FULL: Counts = { few: 1000, many: 9000, all: 100_000 };
const TINY: Counts = { few: 10, many: 60, all: 120 };
/** Connections that are not idle. */
const BUSY = 64;
const COST_ROUNDS = 3;
/** Memory that is no longer needed goes back late. */
const SETTLE_MS = 1500;

interface Site {
  readonly root: string;
  readonly work: string;
}

const requestTo = (port: number) => `GET /style.css HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;

async function withServer<Result>(
  target: Target,
  site: Site,
  run: (server: ServerProcess, held: HeldConnections) => Promise<Result>,
): Promise<Result> {
  const server = await ServerProcess.start(target, site);
  const held = new HeldConnections(server.port, site.work);
  try {
    return await run(server, held);
  } finally {
    await held.close();
    await server.stop();
  }
}

/** What each connection adds to the resident memory of the server's processes. */
const bytesEach = (target: Target, site: Site, { few, many }: Counts, settings: Settings) =>
  withServer(target, site, async (server, held) => {
    const settled = async (count: number) => {
      await held.growTo(count, requestTo(server.port));
      await sleep(settings.tiny ? 0 : SETTLE_MS);
      return server.measure().residentKiB * 1024;
    };
    await settled(few);
    await held.close();
    const before = await settled(few);
    return ((await settled(many)) - before) / (many - few);
  });

async function memoryTable(
  probed: Probed,
  site: Site,
  counts: Counts,
  settings: Settings,
): Promise<FigureTable> {
  const measured: Measured[] = [];
  const rounds = settings.tiny ? 1 : Math.min(3, settings.rounds);
  const values = probed.present.map((): number[] => []);
  for (let round = 1; round <= rounds; round++) {
    for (const [i, { target }] of probed.present.entries()) {
      settings.progress(`round ${round}/${rounds}: ${target.name}, ${counts.many} connections`);
      values[i]!.push(await bytesEach(target, site, counts, settings));
    }
  }
  for (const [i, { target, version }] of probed.present.entries())
    measured.push({ target: target.name, about: target.about, version, values: values[i]! });
  const title = `Resident memory for each idle connection, ${counts.few} to ${counts.many}`;
  return figureTable({ name: "memory", title, unit: "bytes", subject: "tz-static" }, measured);
}

/** How many can be held at a time, and what all the processes need for it. */
async function heldTables(site: Site, { all }: Counts, settings: Settings): Promise<FigureTable[]> {
  const { present } = await probeAll(["tz-workers"]);
  const [{ target, version } = { target: undefined, version: "" }] = present;
  if (target === undefined) return [];
  settings.progress(`${all} connections to ${target.name}`);
  const { held, mebibytes, costs } = await withServer(target, site, async (server, connections) => {
    const costs = { few: [] as number[], all: [] as number[] };
    await costBeside(server, site, settings);
    for (let i = 0; i < COST_ROUNDS; i++) costs.few.push(await costBeside(server, site, settings));
    await connections.growTo(all, requestTo(server.port));
    const mebibytes = server.measure().residentKiB / 1024;
    for (let i = 0; i < COST_ROUNDS; i++) costs.all.push(await costBeside(server, site, settings));
    return { held: establishedTo(server.port), mebibytes, costs };
  });
  if (held < all) throw new Error(`${held} of ${all} connections are established`);
  const row = (value: number): Measured => ({
    target: target.name,
    about: target.about,
    version,
    values: [value],
  });
  return [
    figureTable({ name: "held", title: "Idle connections held", unit: "connections", subject: target.name }, [
      row(held),
    ]),
    figureTable(
      {
        name: "held memory",
        title: "Resident memory of all its processes meanwhile",
        unit: "MiB",
        subject: target.name,
      },
      [row(mebibytes)],
    ),
    figureTable(
      {
        name: "held cost",
        title: "A request on another connection meanwhile",
        unit: "CPU µs per request",
        subject: "beside all",
      },
      [
        { ...row(0), target: "beside all", about: `${all} idle connections beside it`, values: costs.all },
        { ...row(0), target: "beside none", about: "no idle connections", values: costs.few },
      ],
    ),
  ];
}

/** What a request costs on a few busy connections. */
async function costBeside(server: ServerProcess, { work }: Site, settings: Settings): Promise<number> {
  const { port } = server;
  const request = requestTo(port);
  const { byteLength: answerBytes } = await exchange(port, request);
  const before = server.measure().cpuMicros;
  const { answers } = await runExchange(
    {
      port,
      connections: BUSY,
      seconds: settings.tiny ? 0.2 : settings.seconds,
      rate: 0,
      request: Buffer.from(request),
      answerBytes,
    },
    work,
  );
  return (server.measure().cpuMicros - before) / Math.max(1, answers);
}

/** Connections that the kernel has as established at the server's port. */
function establishedTo(port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  let count = 0;
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n")) {
    const [, address, , state] = line.trim().split(/\s+/);
    if (address?.endsWith(local) && state === "01") count++;
  }
  return count;
}

export const scenario: Scenario = {
  name: "idle-connections",
  title: "Idle keep-alive connections",
  targets: ["tz-static", "nginx", "node-http"],
  async run(work, targets, settings) {
    const noCompiler = missingCompiler();
    if (noCompiler) throw new Error(noCompiler);
    const counts = settings.tiny ? TINY : FULL;
    const site = { root: makeSite(work, { "style.css": styleSheet }), work };
    const probed = await probeAll(targets);
    const memory = await memoryTable(probed, site, counts, settings);
    return {
      tables: [memory, ...(await heldTables(site, counts, settings))],
      conditions:
        "Each connection had one request answered. Resident memory of the server's processes; the kernel's socket memory is not in it.",
      missing: probed.missing,
    };
  },
};
