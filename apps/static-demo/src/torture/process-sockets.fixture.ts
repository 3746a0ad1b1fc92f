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

export interface ClientEnd {
  readonly address: string;
  readonly port: number;
}

/** The clients' ends of the connections that a process, which stands still, has accepted on `port`. */
export function clientEnds(pid: number, port: number): ClientEnd[] {
  const mine = new Set<string>();
  for (const fd of attempt(() => readdirSync(`/proc/${pid}/fd`), [])) {
    const inode = /^socket:\[(\d+)\]$/.exec(attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`), ""))?.[1];
    if (inode !== undefined) mine.add(inode);
  }
  const ends = new Map<string, ClientEnd>();
  // The kernel writes this table piece by piece while others change it: a line can be left out, hardly twice.
  for (let turn = 0; turn < 2; turn++) {
    for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1)) {
      const [, local = "", remote = "", , , , , , , inode = ""] = line.trim().split(/\s+/);
      const end = endOf(remote);
      if (endOf(local).port === port && end.port > 0 && mine.has(inode)) ends.set(remote, end);
    }
  }
  return [...ends.values()];
}

/** `0200007F:1F90` → 127.0.0.2, 8080 */
function endOf(text: string): ClientEnd {
  const [address = "", port = "0"] = text.split(":");
  const bytes = (address.match(/../g) ?? []).map((digits) => Number.parseInt(digits, 16));
  return { address: bytes.reverse().join("."), port: Number.parseInt(port, 16) };
}

function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
