import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { findCores, pinned } from "../harness/cores.js";
import { compiled } from "./program.js";

/** What `exchange.c` is to send. */
export interface ExchangeLoad {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  /** Requests a second in all, at fixed times; 0: the next as soon as the last is answered. */
  readonly rate: number;
  /** Sleeps until the next request is due or an answer comes; default: asks without a pause. */
  readonly sleeps?: boolean;
  readonly request: Uint8Array;
  readonly answerBytes: number;
  /** For connections that begin with an upgrade: then the answer must be `expected`. */
  readonly upgrade?: { readonly handshake: string; readonly expected: Uint8Array };
}

export interface ExchangeResult {
  readonly answers: number;
  readonly seconds: number;
  /** Microseconds. */
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Runs `exchange.c` on the core for load. @throws Error when an answer is wrong */
export async function runExchange(load: ExchangeLoad, work: string): Promise<ExchangeResult> {
  const file = (name: string, bytes: Uint8Array | string) => {
    const path = join(work, `exchange-${name}`);
    writeFileSync(path, bytes);
    return path;
  };
  const { port, connections, seconds, rate, answerBytes, upgrade } = load;
  const cores = findCores();
  const [command = "", ...args] = pinned(
    [
      compiled("exchange", work),
      ...(load.sleeps === true ? ["--sleep"] : []),
      ...[port, connections, seconds, rate].map(String),
      file("request", load.request),
      String(answerBytes),
      ...(upgrade ? [file("handshake", upgrade.handshake), file("expected", upgrade.expected)] : []),
    ],
    "load" in cores ? cores.load : undefined,
  );
  const { stdout } = await promisify(execFile)(command, args, { timeout: (seconds + 60) * 1000 });
  return JSON.parse(stdout) as ExchangeResult;
}
