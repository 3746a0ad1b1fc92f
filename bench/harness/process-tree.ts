import { readdirSync, readFileSync } from "node:fs";

interface Stat {
  readonly parent: number;
  readonly cpuTicks: number;
}

/** USER_HZ: Linux reports process times in hundredths of a second on every architecture. */
const ticksPerSecond = 100;

/** Fields of proc_pid_stat(5) behind the command name, which may itself contain spaces and brackets. */
function readStat(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text
      .slice(text.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    return {
      parent: fields[1] ?? 0,
      cpuTicks: (fields[11] ?? 0) + (fields[12] ?? 0),
    };
  } catch {
    return undefined; // It ended between the listing and the reading.
  }
}

/** Resident memory of one process; 0 when it is gone. */
export function readResidentKiB(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/**
 * User and system time, and resident memory, of a process and all its descendants now. Pages that several
 * processes share count once for each.
 */
export function measureTree(pid: number): { cpuMicros: number; residentKiB: number } {
  let ticks = 0;
  let residentKiB = 0;
  for (const [each, stat] of treeOf(pid)) {
    ticks += stat.cpuTicks;
    residentKiB += readResidentKiB(each);
  }
  return { cpuMicros: (ticks * 1e6) / ticksPerSecond, residentKiB };
}

/** A process and all its descendants. */
export function pidsOf(pid: number): number[] {
  return treeOf(pid).map(([each]) => each);
}

function treeOf(pid: number): [number, Stat][] {
  const stats = new Map<number, Stat>();
  for (const name of readdirSync("/proc")) {
    const stat = /^\d+$/.test(name) ? readStat(Number(name)) : undefined;
    if (stat) stats.set(Number(name), stat);
  }
  return [...stats].filter(([each]) => descendsFrom(each, pid, stats));
}

function descendsFrom(pid: number, ancestor: number, stats: ReadonlyMap<number, Stat>): boolean {
  for (let each: number | undefined = pid; each; each = stats.get(each)?.parent)
    if (each === ancestor) return true;
  return false;
}
