import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { onTestFinished } from "vitest";

const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const cli = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** What was built when the whole suite runs (`npm test`), the sources otherwise. */
const command =
  process.env.TZ_TEST_BUILT === "1"
    ? [cli("../dist/cli.js")]
    : ["--import", tsx, "--conditions=@tz/source", cli("./cli.ts")];

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The program as a process of its own, killed at the end of the test. */
export class OneMillion {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = "";
  stderr = "";

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, [...command, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NODE_OPTIONS: "" },
    });
    onTestFinished(() => void this.child.kill("SIGKILL"));
    this.child.stdout?.on("data", (chunk) => (this.stdout += chunk));
    this.child.stderr?.on("data", (chunk) => (this.stderr += chunk));
    this.ended = once(this.child, "close").then(([code]) => ({
      code: code as number | null,
      stdout: this.stdout,
      stderr: this.stderr,
    }));
  }

  /** The URL of the ready line, without its last slash. */
  async ready(): Promise<string> {
    while (!this.stdout.includes("\n")) {
      const ended = await Promise.race([once(this.child.stdout!, "data").then(() => undefined), this.ended]);
      if (ended !== undefined) throw new Error(`ended before it was ready: ${JSON.stringify(ended)}`);
    }
    const url = /^Listening on (http:\/\/\S+)\/\n$/.exec(this.stdout)?.[1];
    if (url === undefined) throw new Error(`not a ready line: ${JSON.stringify(this.stdout)}`);
    return url;
  }
}

export async function ask(
  url: string,
  path: string,
  init: RequestInit = {},
): Promise<{ status: number; body: unknown }> {
  const response = await fetch(url + path, init);
  const text = await response.text();
  return {
    status: response.status,
    body: response.headers.get("content-type") === "application/json" ? JSON.parse(text) : text,
  };
}

export const post = (url: string, body: string) => ask(url, "/event", { method: "POST", body });
