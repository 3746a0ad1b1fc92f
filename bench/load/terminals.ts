import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { findCores, pinned } from "../harness/cores.js";
import { compiled } from "./program.js";

/** Where terminals are: behind the sockets of a gateway, or in the load client itself. */
export type TerminalPlace =
  | { readonly port: number; readonly handshakes: readonly string[]; readonly hello: Uint8Array }
  | { readonly ptys: number };

/** Microseconds from the time that a key was due to its echo. */
export interface KeyTimes {
  readonly echoes: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface BulkTime {
  readonly bytes: number;
  readonly seconds: number;
}

const TIMEOUT_MS = 170_000;
/** A program that echoes byte by byte, without the terminal's own echo. */
const CAT = "stty raw -echo; printf REA\\DY; exec cat\r";

/** Types `rate` keys a second in all, into terminals in turn. @throws Error when an echo is wrong or missing */
export function typeKeys(
  place: TerminalPlace,
  { rate, seconds }: { readonly rate: number; readonly seconds: number },
  work: string,
): Promise<KeyTimes> {
  return run<KeyTimes>(["keys", String(rate), String(seconds)], CAT, place, work);
}

/** Has the first terminal show a file of 'sixteen letters '. @throws Error when a byte is wrong */
export function showFile(
  place: TerminalPlace,
  { file, bytes }: { readonly file: string; readonly bytes: number },
  work: string,
): Promise<BulkTime> {
  const typed = `stty raw -echo; printf REA\\DY; cat ${file}; read x\r`;
  return run<BulkTime>(["bulk", String(bytes)], typed, place, work);
}

async function run<Result>(
  what: string[],
  typed: string,
  place: TerminalPlace,
  work: string,
): Promise<Result> {
  const file = (name: string, bytes: Uint8Array | string) => {
    const path = join(work, `terminals-${name}`);
    writeFileSync(path, bytes);
    return path;
  };
  const cores = findCores();
  const where =
    "ptys" in place
      ? ["pty", String(place.ptys), "server" in cores ? String(cores.server) : "-1"]
      : [
          ...["socket", String(place.port), file("handshakes", place.handshakes.join(""))],
          file("hello", place.hello),
        ];
  const [command = "", ...args] = pinned(
    [compiled("terminals", work, ["-lutil"]), ...what, file("typed", typed), ...where],
    "load" in cores ? cores.load : undefined,
  );
  const { stdout } = await promisify(execFile)(command, args, { timeout: TIMEOUT_MS });
  return JSON.parse(stdout) as Result;
}
