import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { pinned } from "./cores.js";

export interface Load {
  readonly url: string;
  readonly seconds: number;
  readonly connections: number;
  readonly fields?: readonly string[];
  readonly script?: { readonly file: string; readonly args: readonly string[] };
}

/** What the generator saw. */
export interface LoadResult {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly bytesPerRequest: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  /** Answers outside 2xx and 3xx, and socket errors of any kind. */
  readonly failures: number;
}

/** `undefined` when wrk is there, else how to get it. */
export function missingWrk(): string | undefined {
  return spawnSync("wrk", ["-v"]).error ? "wrk is not installed (apt-get install wrk)" : undefined;
}

/** Runs wrk with one thread, pinned to `core`. */
export async function runWrk(load: Load, core: number | undefined): Promise<LoadResult> {
  const [program = "", ...args] = pinned(
    [
      "wrk",
      "--latency",
      "-t1",
      `-c${load.connections}`,
      `-d${load.seconds}s`,
      ...(load.fields ?? []).flatMap((field) => ["-H", field]),
      ...(load.script ? ["-s", load.script.file] : []),
      load.url,
      ...(load.script && load.script.args.length > 0 ? ["--", ...load.script.args] : []),
    ],
    core,
  );
  const { stdout } = await promisify(execFile)(program, args, { timeout: (load.seconds + 30) * 1000 });
  return parseWrk(stdout);
}

/** Reads wrk's report. @throws Error when a figure is missing: an empty run must not pass for a fast one */
export function parseWrk(text: string): LoadResult {
  const number = (pattern: RegExp): number => {
    const value = Number(pattern.exec(text)?.[1]);
    if (Number.isNaN(value)) throw new Error(`wrk's report lacks ${pattern}:\n${text}`);
    return value;
  };
  const requests = number(/(\d+) requests in /);
  const errors =
    /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text)?.slice(1) ?? [];
  return {
    requests,
    requestsPerSecond: number(/Requests\/sec:\s+([\d.]+)/),
    bytesPerRequest: bytesOf(/requests in [^,]+, ([\d.]+[KMGT]?B) read/.exec(text)?.[1] ?? "") / requests,
    p50Micros: microsOf(/^\s+50%\s+(\S+)/m.exec(text)?.[1] ?? ""),
    p99Micros: microsOf(/^\s+99%\s+(\S+)/m.exec(text)?.[1] ?? ""),
    failures: errors.reduce(
      (sum, each) => sum + Number(each),
      Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0),
    ),
  };
}

const byteUnits: Record<string, number> = { B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30, TB: 2 ** 40 };
const timeUnits: Record<string, number> = { us: 1, ms: 1e3, s: 1e6, m: 60e6, h: 3600e6 };

const bytesOf = (text: string) => scaled(text, byteUnits);
const microsOf = (text: string) => scaled(text, timeUnits);

function scaled(text: string, units: Record<string, number>): number {
  const [, value, unit = ""] = /^([\d.]+)([A-Za-z]+)$/.exec(text) ?? [];
  return Number(value) * (units[unit] ?? Number.NaN);
}
