/** What /proc says of processes and their connections. Linux only. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Processes that one has started, but for the compiler that tsx keeps beside sources. */
export function childrenOf(pid: number): number[] {
  return attempt(() => readdirSync(`/proc/${pid}/task`), [])
    .flatMap((thread) => {
      // The thread may have ended meanwhile.
      const text = attempt(() => readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8"), "");
      return text.split(" ").filter(Boolean).map(Number);
    })
    .filter(
      (child) => !attempt(() => readFileSync(`/proc/${child}/cmdline`, "utf8"), "").includes("esbuild"),
    );
}

/** `"T"`: stopped; `"Z"`: ended; `undefined`: gone. */
export function processState(pid: number): string | undefined {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, "utf8"), "");
  return stat === "" ? undefined : stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
}

/** The clients' ports of the connections that a process has accepted on `port`. */
export function clientPorts(pid: number, port: number): number[] {
  const mine = new Set<string>();
  for (const fd of attempt(() => readdirSync(`/proc/${pid}/fd`), [])) {
    const inode = /^socket:\[(\d+)\]$/.exec(attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`), ""))?.[1];
    if (inode !== undefined) mine.add(inode);
  }
  const ports: number[] = [];
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1)) {
    const [, local = "", remote = "", , , , , , , inode = ""] = line.trim().split(/\s+/);
    const clientPort = portOf(remote);
    if (portOf(local) === port && clientPort > 0 && mine.has(inode)) ports.push(clientPort);
  }
  return ports;
}

function portOf(hexAddress: string): number {
  return Number.parseInt(hexAddress.split(":")[1] ?? "0", 16);
}

function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
