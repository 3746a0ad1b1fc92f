import { spawnSync } from "node:child_process";
import { cpus, loadavg, release, totalmem, type } from "node:os";

/** Where and when figures were taken: they compare within one run only. */
export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  /** Commit of the sources, when they come from git; `+` marks changes that are not committed. */
  readonly commit: string | undefined;
  /** Load average of the minute before: anything near the number of cores means that others were at work. */
  readonly loadBefore: number;
}

export function describeMachine(): Machine {
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${release()}`,
    node: process.versions.node,
    commit: commit(),
    loadBefore: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  };
}

function commit(): string | undefined {
  const git = (...args: string[]) => spawnSync("git", args, { encoding: "utf8" });
  const { status, stdout } = git("rev-parse", "--short", "HEAD");
  if (status !== 0) return undefined;
  return stdout.trim() + (git("status", "--porcelain", "--untracked-files=no").stdout.trim() ? "+" : "");
}
