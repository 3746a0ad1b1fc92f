import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { findCores, pinned } from "../harness/cores.js";
import { type FigureTable, figureTable, type Measured } from "../harness/figures.js";
import type { Scenario } from "../harness/scenario.js";
import { probeAll } from "../harness/serve-in-turn.js";
import { ServerProcess } from "../harness/server-process.js";
import type { Settings } from "../harness/settings.js";
import type { Target } from "../harness/target.js";
import { GatewayVisitor } from "../load/gateway-visitor.js";
import { missingCompiler } from "../load/program.js";
import { type KeyTimes, showFile, type TerminalPlace, typeKeys } from "../load/terminals.js";
import { frameOf } from "../site/web-socket.js";

const FULL = {
  terminals: 100,
  keysPerSecond: 1000,
  sessions: { few: 1000, many: 11_000 },
  stalled: 10,
  fileBytes: 100e6,
  hashSeconds: 3,
};
const TINY: typeof FULL = {
  terminals: 3,
  keysPerSecond: 30,
  sessions: { few: 10, many: 40 },
  stalled: 1,
  fileBytes: 1e6,
  hashSeconds: 1,
};
const GATEWAY = "cloudterm";
const BARE = "bare-pty";
const BARE_ABOUT = "the load client's own pseudo-terminals";
const USERS = 100;
/** Logins at a time while many are made. */
const LOGINS_AT_ONCE = 16;
/** Memory that is no longer needed goes back late. */
const SETTLE_MS = 1500;
/** Until nothing more can be on its way into a reader that does not read. */
const STALL_MS = 1500;
const ROUNDS_MAX = 3;
const FILE_PATTERN = "sixteen letters ";

const hello = frameOf(Buffer.from('{"AuthToken":"","columns":80,"rows":24}'));

interface Measuring {
  readonly target: Target;
  readonly version: string;
  readonly work: string;
  readonly size: typeof FULL;
  readonly settings: Settings;
  readonly rounds: number;
}

/** A gateway that somebody is logged into. */
async function withGateway<Result>(
  { target, work }: Measuring,
  run: (visitor: GatewayVisitor, gateway: ServerProcess) => Promise<Result>,
): Promise<Result> {
  const cores = findCores();
  const gateway = await ServerProcess.start(
    target,
    { root: work, work },
    "server" in cores ? cores.server : undefined,
  );
  let visitor: GatewayVisitor | undefined;
  try {
    visitor = await GatewayVisitor.setUp(gateway);
    return await run(visitor, gateway);
  } finally {
    visitor?.close();
    await gateway.stop();
  }
}

async function openTerminals(visitor: GatewayVisitor, count: number): Promise<TerminalPlace> {
  const handshakes: string[] = [];
  while (handshakes.length < count) handshakes.push(visitor.handshakeOf(await visitor.openTerminal()));
  return { port: visitor.port, handshakes, hello };
}

/** A terminal with `yes` in it and a client that reads nothing. */
async function stalledReader(visitor: GatewayVisitor): Promise<Socket> {
  const handshake = visitor.handshakeOf(await visitor.openTerminal());
  const socket = connect(visitor.port, "127.0.0.1");
  socket.on("error", () => {});
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.write(handshake);
  const answer = await new Promise<Buffer>((resolve) => socket.once("data", resolve));
  if (!answer.toString("latin1").startsWith("HTTP/1.1 101")) throw new Error(`no socket: ${answer}`);
  socket.pause();
  socket.write(hello);
  socket.write(frameOf(Buffer.from("0exec yes\r")));
  return socket;
}

interface KeyRounds {
  readonly bare: KeyTimes[];
  readonly alone: KeyTimes[];
  /** Beside terminals whose readers are stalled. */
  readonly beside: KeyTimes[];
  /** What the stalled terminals added to the gateway's own memory, in MiB for each. */
  readonly stalledMebibytes: number[];
}

/** The gateway itself: the programs in its terminals are no part of its memory. */
const ownKiB = (gateway: ServerProcess): number => gateway.measureOwn().residentKiB;

async function typeInRounds(measuring: Measuring): Promise<KeyRounds> {
  const { size, settings, work, rounds } = measuring;
  const result: KeyRounds = { bare: [], alone: [], beside: [], stalledMebibytes: [] };
  const pace = { rate: size.keysPerSecond, seconds: settings.seconds };
  const warm = { ...pace, seconds: Math.min(1, settings.seconds) };
  for (let round = 1; round <= rounds; round++) {
    settings.progress(`round ${round}/${rounds}: keys into ${size.terminals} bare terminals`);
    result.bare.push(await typeKeys({ ptys: size.terminals }, pace, work));
    settings.progress(`round ${round}/${rounds}: keys through the gateway`);
    await withGateway(measuring, async (visitor, gateway) => {
      const fresh = () => openTerminals(visitor, size.terminals);
      const place = await fresh();
      await typeKeys(place, warm, work);
      result.alone.push(await typeKeys(await fresh(), pace, work));
      const others = await fresh();
      await sleep(SETTLE_MS);
      const before = ownKiB(gateway);
      const stalled: Socket[] = [];
      while (stalled.length < size.stalled) stalled.push(await stalledReader(visitor));
      await sleep(STALL_MS);
      // Before anybody types again: what is collected then would be taken off.
      result.stalledMebibytes.push((ownKiB(gateway) - before) / 1024 / size.stalled);
      result.beside.push(await typeKeys(others, pace, work));
      for (const socket of stalled) socket.destroy();
    });
  }
  return result;
}

async function keyTables(measuring: Measuring): Promise<FigureTable[]> {
  const { size, target, version } = measuring;
  const { bare, alone, beside, stalledMebibytes } = await typeInRounds(measuring);
  const row = (name: string, about: string, values: readonly number[]): Measured => ({
    target: name,
    about,
    version: name === BARE ? "C" : version,
    values,
  });
  const tables: FigureTable[] = [];
  for (const percentile of ["p50", "p99"] as const) {
    const [own, through, flooded] = [bare, alone, beside].map((times) => times.map((one) => one[percentile]));
    const title = `${percentile} from a key to its echo, ${size.terminals} terminals with cat, ${size.keysPerSecond} keys a second in all`;
    const above = (values: readonly number[]) => values.map((value, i) => Math.max(0, value - own![i]!));
    const more = "this project's gateway, beside stalled readers of yes";
    const measured = [
      row(GATEWAY, target.about, through!),
      row("cloudterm-stalled", more, flooded!),
      row(BARE, BARE_ABOUT, own!),
    ];
    tables.push(
      figureTable({ name: percentile, title, unit: "µs", subject: GATEWAY }, measured),
      figureTable(
        {
          name: `${percentile} above`,
          title: `${percentile}: what the gateway adds to the bare terminal`,
          unit: "µs",
          subject: GATEWAY,
        },
        [row(GATEWAY, target.about, above(through!)), row("cloudterm-stalled", more, above(flooded!))],
      ),
    );
  }
  tables.push(
    figureTable(
      {
        name: "stalled",
        title: `Memory of the gateway for each of ${size.stalled} terminals with yes and a reader that reads nothing`,
        unit: "MiB",
        subject: GATEWAY,
      },
      [row(GATEWAY, target.about, stalledMebibytes)],
    ),
  );
  return tables;
}

/** A file shown in a terminal of its own. */
async function outputTable(measuring: Measuring): Promise<FigureTable> {
  const { size, work, rounds, settings, target, version } = measuring;
  const file = join(work, "shown");
  writeFileSync(file, Buffer.alloc(size.fileBytes, FILE_PATTERN));
  const bare: number[] = [];
  const through: number[] = [];
  const shown = async (place: TerminalPlace) => {
    const { seconds, bytes } = await showFile(place, { file, bytes: size.fileBytes }, work);
    return (seconds / bytes) * 100e6;
  };
  for (let round = 1; round <= rounds; round++) {
    settings.progress(`round ${round}/${rounds}: a file in a terminal`);
    bare.push(await shown({ ptys: 1 }));
    await withGateway(measuring, async (visitor) => {
      await shown(await openTerminals(visitor, 1));
      through.push(await shown(await openTerminals(visitor, 1)));
    });
  }
  return figureTable(
    {
      name: "output",
      title: "cat of a file in a terminal: until 100 MB were there",
      unit: "seconds",
      subject: GATEWAY,
    },
    [
      { target: GATEWAY, about: target.about, version, values: through },
      { target: BARE, about: BARE_ABOUT, version: "C", values: bare },
    ],
  );
}

/** Real logins, by a proxy's word: hashing has a table of its own. */
async function sessionTable(measuring: Measuring): Promise<FigureTable> {
  const { size, rounds, settings, target, version } = measuring;
  const { few, many } = size.sessions;
  const values: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    settings.progress(`round ${round}/${rounds}: ${many - few} logins`);
    await withGateway(measuring, async (visitor, gateway) => {
      let made = 0;
      const logIn = async (count: number) => {
        const worker = async () => {
          while (made < count) await visitor.logInByHeader(`user-${made++ % USERS}`);
        };
        await Promise.all(Array.from({ length: LOGINS_AT_ONCE }, worker));
        await sleep(settings.tiny ? 0 : SETTLE_MS);
        return ownKiB(gateway) / 1024;
      };
      const before = await logIn(few);
      values.push((((await logIn(many)) - before) / (many - few)) * 10_000);
    });
  }
  return figureTable(
    {
      name: "sessions",
      title: "Resident memory for 10,000 logged-in sessions",
      unit: "MiB",
      subject: GATEWAY,
    },
    [{ target: GATEWAY, about: target.about, version, values }],
  );
}

interface PasswordRun {
  readonly perSecond: number;
  readonly delayMs: number;
}

/** bcrypt of cost 12 on one core and on all, and what the loop feels of it. */
async function passwordTables({ size, rounds, settings }: Measuring): Promise<FigureTable[]> {
  const program = new URL("../load/password-load.mjs", import.meta.url).pathname;
  const cores = findCores();
  const one = "server" in cores ? cores.server : undefined;
  const version = `Node ${process.versions.node}`;
  const kinds = [
    {
      target: "two-threads",
      about: "two verifications at a time, on two cores",
      threads: 2,
      core: undefined,
    },
    { target: "one-thread", about: "one at a time, on two cores", threads: 1, core: undefined },
    { target: "one-core", about: "one at a time, on the core of the loop", threads: 1, core: one },
    { target: "idle", about: "no verification: what the machine itself delays", threads: 0, core: undefined },
  ];
  const runs = kinds.map((): PasswordRun[] => []);
  for (let round = 1; round <= rounds; round++) {
    for (const [i, { target, threads, core }] of kinds.entries()) {
      settings.progress(`round ${round}/${rounds}: bcrypt, ${target}`);
      const [command = "", ...args] = pinned(
        [process.execPath, program, String(threads), String(size.hashSeconds)],
        core,
      );
      const { stdout } = await promisify(execFile)(command, args);
      runs[i]!.push(JSON.parse(stdout) as PasswordRun);
    }
  }
  const measured = (pick: (run: PasswordRun) => number) =>
    kinds.map(({ target, about }, i): Measured => ({ target, about, version, values: runs[i]!.map(pick) }));
  return [
    figureTable(
      {
        name: "bcrypt",
        title: "Time for one verification of bcrypt, cost 12",
        unit: "ms",
        subject: "two-threads",
      },
      measured(({ perSecond }) => 1000 / perSecond).filter(({ target }) => target !== "idle"),
    ),
    figureTable(
      { name: "loop", title: "Longest delay of the loop meanwhile", unit: "ms", subject: "two-threads" },
      measured(({ delayMs }) => delayMs),
    ),
  ];
}

export const scenario: Scenario = {
  name: "cloudterm",
  title: "The terminal gateway",
  targets: [GATEWAY],
  async run(work, targets, settings) {
    const noCompiler = missingCompiler();
    if (noCompiler) throw new Error(noCompiler);
    const { present, missing } = await probeAll(targets);
    const [gateway] = present;
    if (gateway === undefined) throw new Error(missing[0]?.why ?? "no gateway");
    const rounds = Math.min(ROUNDS_MAX, settings.rounds);
    const measuring: Measuring = { ...gateway, work, size: settings.tiny ? TINY : FULL, settings, rounds };
    return {
      tables: [
        ...(await keyTables(measuring)),
        await outputTable(measuring),
        await sessionTable(measuring),
        ...(await passwordTables(measuring)),
      ],
      conditions: `The gateway and its programs have one core, the client the other. Keys come at fixed times, one that has to wait is charged for it (no coordinated omission), and the client sleeps in between, as the browsers of people do; the bare terminals have the same client and pace. Every echo and every byte of output is compared. At most ${ROUNDS_MAX} rounds. MB are 10⁶ bytes.`,
      missing,
    };
  },
};
