import { spawn } from "node:child_process";
import { once } from "node:events";

export interface OwnServer {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts this very program as a server on a free port. */
export async function startOwnServer(workers: number): Promise<OwnServer> {
  const args = [...process.execArgv, process.argv[1] ?? "", "--port", "0", "--workers", String(workers)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const line = new Promise<string>((resolve) => {
    let text = "";
    child.stdout?.on("data", (chunk) => {
      text += chunk;
      if (text.includes("\n")) resolve(text);
    });
  });
  const failed = ended.then(([code, signal]) => {
    throw new Error(`the server ended with ${signal ?? code}`);
  });
  const url = /http:\S+/.exec(await Promise.race([line, failed]))?.[0] ?? "";
  failed.catch(() => {});
  return {
    url,
    pid: child.pid ?? 0,
    async stop() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
