import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { findCores, pinned } from "../harness/cores.js";

/** Clients that connect, one after another each; fewer would leave the server idle between two of them. */
const CLIENTS = 4;

/** Full handshakes, each on a connection of its own and without a session to resume, by `openssl s_time`. @returns how many */
export async function runHandshakes(port: number, seconds: number): Promise<number> {
  const cores = findCores();
  const [program = "", ...args] = pinned(
    ["openssl", "s_time", "-connect", `127.0.0.1:${port}`, "-new", "-time", String(seconds)],
    "load" in cores ? cores.load : undefined,
  );
  const run = promisify(execFile);
  const reports = await Promise.all(
    Array.from({ length: CLIENTS }, () => run(program, args, { timeout: (seconds + 60) * 1000 })),
  );
  return reports.reduce((sum, { stdout }) => sum + parseHandshakes(stdout), 0);
}

/** Reads s_time's report. @throws Error when there were none */
export function parseHandshakes(text: string): number {
  const count = Number(/^(\d+) connections in \d+ real seconds/m.exec(text)?.[1]);
  if (!(count > 0)) throw new Error(`openssl s_time connected to nothing:\n${text}`);
  return count;
}
