import { spawn, spawnSync } from "node:child_process";

export const hasWrk = spawnSync("wrk", ["--version"]).error === undefined;

export interface WrkTally {
  readonly requests: number;
  readonly connectErrors: number;
  /** Reads, writes and answers cut short. */
  readonly brokenConnections: number;
  readonly timeouts: number;
  readonly otherStatus: number;
}

/** wrk on `url` for so long. It runs behind everything else that the machine has to do. */
export function wrk(url: string, seconds: number, connections: number): Promise<WrkTally> {
  const args = ["-t1", `-c${connections}`, `-d${Math.ceil(seconds)}s`, "--timeout", "240s", url];
  const child = spawn("nice", ["-n", "10", "wrk", ...args], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (chunk) => (text += chunk));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      const number = (pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? 0);
      if (code !== 0 || !/\d+ requests in/.test(text)) reject(new Error(`wrk ended with ${code}: ${text}`));
      else
        resolve({
          requests: number(/(\d+) requests in/),
          connectErrors: number(/Socket errors: connect (\d+)/),
          brokenConnections: number(/, read (\d+)/) + number(/, write (\d+)/),
          timeouts: number(/, timeout (\d+)/),
          otherStatus: number(/Non-2xx or 3xx responses: (\d+)/),
        });
    });
  });
}
