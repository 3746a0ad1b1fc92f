import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { TABLES } from "../../packages/router/bench/tables.js";
import { type FigureTable, figureTable, type Measured } from "../harness/figures.js";
import type { Scenario } from "../harness/scenario.js";
import type { Settings } from "../harness/settings.js";

const require = createRequire(import.meta.url);
const tsx = pathToFileURL(require.resolve("tsx")).href;
const program = fileURLToPath(new URL("../../packages/router/bench/run.ts", import.meta.url));

/** Targets, by the names of the router's own bench. */
const TARGETS: Readonly<Record<string, { target: string; about: string }>> = {
  "@tz/router, bytes": { target: "tz-router", about: "the path as bytes of the request" },
  "@tz/router, string": { target: "tz-router-string", about: "the path as a string" },
  "find-my-way": { target: "find-my-way", about: "as Fastify uses it" },
  "find-my-way, compiled": { target: "find-my-way-compiled", about: "compile()" },
  rou3: { target: "rou3", about: "findRoute" },
  "rou3, compiled": { target: "rou3-compiled", about: "rou3/compiler" },
};
const ROUTES = [10, 100, 1000, 10_000];
/** Batches that a process times; it reports their median. */
const BATCHES = 30;

type Times = Readonly<Record<string, number>>;

/** Each table in a process of its own, so that none meets the type feedback of another. */
function timesOf<Result>(what: string, settings: Settings): Result {
  const batches = String(settings.tiny ? 1 : BATCHES);
  const args = ["--import", tsx, "--conditions=@tz/source", program, "--child", what, "--rounds", batches];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8", timeout: 120_000 })) as Result;
}

function measuredOf(rounds: readonly Times[]): Measured[] {
  return Object.entries(TARGETS).flatMap(([name, named]) => {
    const values = rounds.map((times) => times[name] ?? Number.NaN);
    return values.some(Number.isNaN) ? [] : [{ ...named, version: "of this repository's lockfile", values }];
  });
}

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** The mean over the tables of one library; one that answers a table wrongly has none. */
function libraryTimes(of: string, settings: Settings): Times {
  const indexes = TABLES.flatMap((table, index) => (table.of === of ? [index] : []));
  const chosen = settings.tiny ? indexes.slice(0, 1) : indexes;
  const all = chosen.map((index) => timesOf<{ ns: Times }>(`table:${index}`, settings).ns);
  return Object.fromEntries(
    Object.keys(TARGETS).map((name) => [name, meanOf(all.map((ns) => ns[name] ?? Number.NaN))]),
  );
}

function growth(count: number, rounds: number, settings: Settings): FigureTable {
  const all = Array.from({ length: rounds }, () => {
    const [point] = timesOf<{ ns: Times }[]>(`growth:${count}`, settings);
    const spread = Object.entries(point!.ns).filter(([name]) => name.endsWith(", 64 routes"));
    return Object.fromEntries(spread.map(([name, ns]) => [name.replace(", 64 routes", ""), ns]));
  });
  const title = `${count.toLocaleString("en")} routes with three parameters, 64 of them asked for`;
  return figureTable({ name: `${count} routes`, title, unit: "ns", subject: "tz-router" }, measuredOf(all));
}

export const scenario: Scenario = {
  name: "router",
  title: "A path to its route",
  targets: [],
  async run(_work, _targets, settings) {
    const rounds = settings.tiny ? 1 : Math.min(3, settings.rounds);
    const tables = ["find-my-way", "rou3"].map((of) => {
      const all = Array.from({ length: rounds }, (_, round) => {
        settings.progress(`round ${round + 1}/${rounds}: routes of ${of}`);
        return libraryTimes(of, settings);
      });
      const title = `Routes and requests of ${of}'s own benchmark, mean`;
      return figureTable({ name: of, title, unit: "ns", subject: "tz-router" }, measuredOf(all));
    });
    const counts = settings.tiny ? ROUTES.slice(0, 1) : ROUTES;
    const grown = counts.map((count) => growth(count, 1, settings));
    return {
      tables: [...tables, ...grown],
      curves: [
        {
          title: "A match against the number of routes",
          x: "routes",
          y: "ns",
          points: counts.map((x, i) => ({ x, table: grown[i]!.name })),
        },
      ],
      conditions:
        "Time by the clock, median of batches that alternate, each table in a process of its own; parameters not read. Who answers a table wrongly is not in it.",
      missing: [],
    };
  },
};
