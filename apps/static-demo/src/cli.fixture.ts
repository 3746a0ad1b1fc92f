import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { onTestFinished } from "vitest";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// By its path: the command may run in a folder that has no packages.
const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

/** What was built when the whole suite runs (`npm test`), the sources otherwise. */
export const command =
  process.env.TZ_TEST_BUILT === "1"
    ? [here("../dist/cli.js")]
    : ["--import", tsx, "--conditions=@tz/source", here("./cli.ts")];

export interface CliInit {
  readonly cwd?: string;
  /** Of Node. */
  readonly execArgv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** `tz-static` as a process of its own. It is killed at the end of the test that started it. */
export class Cli {
  readonly child: ChildProcess;
  readonly exit: Promise<Exit>;
  stdout = "";
  stderr = "";

  constructor(args: readonly string[], { cwd, execArgv = [], env = {} }: CliInit = {}) {
    this.child = spawn(process.execPath, [...execArgv, ...command, ...args], {
      cwd,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NODE_OPTIONS: "", ...env },
    });
    this.child.stdout?.on("data", (chunk) => (this.stdout += chunk));
    this.child.stderr?.on("data", (chunk) => (this.stderr += chunk));
    this.exit = new Promise((resolve) =>
      this.child.once("close", (code, signal) => resolve({ code, signal })),
    );
  }

  /** The address of the ready line. @throws when the process ends without one */
  async ready(): Promise<{ url: string; host: string; port: number }> {
    const line = new Promise<string>((resolve) => {
      const look = () => this.stdout.includes("\n") && resolve(this.stdout);
      look();
      this.child.stdout?.on("data", look);
    });
    const ended = this.exit.then((exit) => {
      throw new Error(`ended before it was ready: ${JSON.stringify(exit)} ${this.stderr}`);
    });
    const url = /^Listening on (https?:\/\/\S+\/)\n/.exec(await Promise.race([line, ended]))?.[1];
    if (url === undefined) throw new Error(`not a ready line: ${JSON.stringify(this.stdout)}`);
    const { hostname, port } = new URL(url);
    return { url, host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 80) };
  }

  /** Sends a signal and waits for the end. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Exit> {
    this.child.kill(signal);
    return this.exit;
  }
}

export function startCli(args: readonly string[], init: CliInit = {}): Cli {
  const cli = new Cli(args, init);
  onTestFinished(() => void cli.child.kill("SIGKILL"));
  return cli;
}
