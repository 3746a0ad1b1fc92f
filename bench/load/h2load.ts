import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { findCores, pinned } from "../harness/cores.js";

export interface H2Load {
  readonly url: string;
  readonly seconds: number;
  readonly connections: number;
  /** Requests of a connection that are on their way at a time. */
  readonly streams: number;
}

export interface H2Result {
  readonly requests: number;
  /** Of one answer's body. */
  readonly bodyBytes: number;
}

/** `undefined` when h2load is there, else how to get it. */
export function missingH2load(): string | undefined {
  return spawnSync("h2load", ["--version"]).error
    ? "h2load is not installed (apt-get install nghttp2-client)"
    : undefined;
}

/** Runs h2load with one thread on the core for load. @throws Error for an answer that is not 200, or another protocol */
export async function runH2load({ url, seconds, connections, streams }: H2Load): Promise<H2Result> {
  const cores = findCores();
  const [program = "", ...args] = pinned(
    ["h2load", "-t1", `-c${connections}`, `-m${streams}`, `-D${seconds}`, url],
    "load" in cores ? cores.load : undefined,
  );
  const { stdout } = await promisify(execFile)(program, args, { timeout: (seconds + 60) * 1000 });
  return parseH2load(stdout);
}

/** Reads h2load's report. */
export function parseH2load(text: string): H2Result {
  const number = (pattern: RegExp): number => {
    const value = Number(pattern.exec(text)?.[1]);
    if (Number.isNaN(value)) throw new Error(`h2load's report lacks ${pattern}:\n${text}`);
    return value;
  };
  if (!/^Application protocol: h2$/m.test(text)) throw new Error(`not HTTP/2:\n${text}`);
  const wrong = ["failed", "errored", "timeout"].filter((word) => number(new RegExp(`(\\d+) ${word}`)) > 0);
  const requests = number(/(\d+) 2xx/);
  if (wrong.length > 0 || requests === 0 || number(/(\d+) succeeded/) !== requests)
    throw new Error(`requests that were not answered 200:\n${text}`);
  return { requests, bodyBytes: number(/\((\d+)\) data$/m) / requests };
}
