import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Which core serves and which one generates load, when both can be had. */
export interface Cores {
  readonly server: number;
  readonly load: number;
}

/** The first two cores that this process may use; `undefined` where pinning is impossible, with the reason. */
export function findCores(): Cores | { readonly unpinned: string } {
  if (spawnSync("taskset", ["--version"]).error) return { unpinned: "taskset is not installed" };
  const [server, load] = allowedCores();
  if (server === undefined || load === undefined) return { unpinned: "fewer than two cores" };
  return { server, load };
}

function allowedCores(): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
  return list.split(",").flatMap((part) => {
    const [from = Number.NaN, to = from] = part.split("-").map(Number);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
}

/** Puts `taskset` in front of a command. */
export function pinned(command: readonly string[], core: number | undefined): string[] {
  return core === undefined ? [...command] : ["taskset", "-c", String(core), ...command];
}
