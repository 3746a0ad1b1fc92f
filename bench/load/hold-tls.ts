import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findCores, pinned } from "../harness/cores.js";
import { exchange } from "../harness/exchange.js";
import { compiled, missingCompiler } from "./program.js";

/** `undefined` when the client can be built, else how to get what is missing. */
export function missingTlsLibrary(): string | undefined {
  const compiler = missingCompiler();
  if (compiler !== undefined) return compiler;
  const isThere = existsSync("/usr/include/openssl/ssl.h");
  return isThere ? undefined : "the headers of OpenSSL are not installed (apt-get install libssl-dev)";
}

/** Idle TLS connections that were each used once. */
export class HeldTlsConnections {
  readonly #children: ChildProcess[] = [];
  readonly #work: string;
  readonly #port: number;

  constructor(port: number, work: string) {
    this.#port = port;
    this.#work = work;
  }

  /** Opens more of them. @throws Error when one is refused or answered wrongly */
  async add(count: number, request: string): Promise<void> {
    const file = join(this.#work, "hold-request");
    writeFileSync(file, request);
    const { byteLength } = await exchange(this.#port, request, true);
    const cores = findCores();
    const program = compiled("hold-tls", this.#work, ["-lssl", "-lcrypto"]);
    const [command = "", ...args] = pinned(
      [program, String(this.#port), String(count), file, String(byteLength)],
      "load" in cores ? cores.load : undefined,
    );
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#children.push(child);
    const ended = once(child, "exit").then(([code]) => {
      throw new Error(`hold-tls ended with ${code}`);
    });
    ended.catch(() => {});
    await Promise.race([once(child.stdout!, "data"), ended]);
  }

  /** Closes all. */
  async close(): Promise<void> {
    await Promise.all(
      this.#children.splice(0).map(async (child) => {
        if (child.exitCode !== null) return;
        const ended = once(child, "exit");
        child.stdin?.end();
        await ended;
      }),
    );
  }
}
