import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { findCores, pinned } from "../harness/cores.js";

/** Clients that connect, one after another each; fewer would leave the server idle between two of them. */
const CLIENTS = 4;

/**
 * Full handshakes, each on a connection of its own and without a session to resume, by `openssl s_time`. One request
 * follows each: without, s_time resets the connection before the server has seen the end of the handshake.
 * @returns how many
 */
export async function runHandshakes(port: number, path: string, seconds: number): Promise<number> {
  const cores = findCores();
  const [program = "", ...args] = pinned(
    ["openssl", "s_time", "-connect", `127.0.0.1:${port}`, "-new", "-www", path, "-time", String(seconds)],
    "load" in cores ? cores.load : undefined,
  );
  const run = promisify(execFile);
  const reports = await Promise.all(
    Array.from({ length: CLIENTS }, () => run(program, args, { timeout: (seconds + 60) * 1000 })),
  );
  return reports.reduce((sum, { stdout }) => sum + parseHandshakes(stdout), 0);
}

/** Reads s_time's report. @throws Error when there were none, or no answers */
export function parseHandshakes(text: string): number {
  const report = /^(\d+) connections in \d+ real seconds, (\d+) bytes read per connection/m.exec(text);
  if (!(Number(report?.[1]) > 0)) throw new Error(`openssl s_time connected to nothing:\n${text}`);
  if (!(Number(report?.[2]) > 0)) throw new Error(`openssl s_time was answered nothing:\n${text}`);
  return Number(report?.[1]);
}
