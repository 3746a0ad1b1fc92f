import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { findCores, pinned } from "../harness/cores.js";
import { compiled } from "./program.js";

export interface Pull {
  readonly port: number;
  readonly bytes: number;
  readonly handshake: string;
  /** What makes the other side begin. */
  readonly begin: Uint8Array;
  /** Comes over and over. */
  readonly frame: Uint8Array;
}

export interface PullResult {
  readonly bytes: number;
  readonly seconds: number;
}

const TIMEOUT_MS = 120_000;

/** Runs `pull.c` on the core for load. @throws Error when a byte is wrong */
export async function runPull({ port, bytes, ...parts }: Pull, work: string): Promise<PullResult> {
  const file = (name: "handshake" | "begin" | "frame") => {
    const path = join(work, `pull-${name}`);
    writeFileSync(path, parts[name]);
    return path;
  };
  const cores = findCores();
  const [command = "", ...args] = pinned(
    [compiled("pull", work), String(port), String(bytes), file("handshake"), file("begin"), file("frame")],
    "load" in cores ? cores.load : undefined,
  );
  const { stdout } = await promisify(execFile)(command, args, { timeout: TIMEOUT_MS });
  return JSON.parse(stdout) as PullResult;
}
