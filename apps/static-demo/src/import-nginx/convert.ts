/** From an nginx configuration to one of `tz-static`. */
import { UsageError } from "../usage-error.js";
import type { Directive } from "./directive.js";
import { type IsFolder, isFolderHere } from "./folders.js";
import { loadNginx } from "./include.js";
import { readLocations } from "./locations.js";
import type { PlannedMount } from "./mount-draft.js";
import { planMounts } from "./plan-mounts.js";
import { PROCESS_DIRECTIVES, type ProcessConfig, processConfig } from "./process-config.js";
import { readBlock } from "./read-block.js";
import { Report } from "./report.js";
import { findServers, isRedirectOnly, isToHttps, redirectPort, type ServerBlock } from "./servers.js";

export interface Conversion {
  /** For a file that `--config` reads. */
  readonly config: ProcessConfig & ({ readonly mounts: readonly PlannedMount[] } | PlannedMount);
  /** What should be known of it. */
  readonly notes: readonly string[];
  /** Why there is no such file: `config` is then not whole. */
  readonly refusals: readonly string[];
}

const AROUND: ReadonlySet<string> = new Set([...PROCESS_DIRECTIVES, "worker_processes"]);
const IN_SERVER: ReadonlySet<string> = new Set([...PROCESS_DIRECTIVES, "location", "server_name"]);

/**
 * @param name picks one of several servers
 * @param isFolder says which folders are there
 * @throws {UsageError} for a file that cannot be read or parsed, and for a server that cannot be chosen
 */
export function convertNginx(file: string, name?: string, isFolder: IsFolder = isFolderHere): Conversion {
  const { http, servers } = findServers(loadNginx(file));
  const report = new Report();
  const server = choose(servers, name, file, report);
  const others = servers.filter((each) => each !== server);
  const around = readBlock(http, {}, report, AROUND);
  const own = readBlock(server.directives, around, report, IN_SERVER);
  const places = readLocations(server.directives, own, report);
  const process = processConfig(server, http, others, report);
  const mounts = planMounts(server.directive, own, places, isFolder, report);
  if (mounts.length === 0) refuseNothing(server.directive, report);
  remarks(mounts, process, report);
  const [first] = mounts;
  const isAlone = mounts.length === 1 && first?.prefix === undefined;
  const config = isAlone ? { ...process, ...first! } : { ...process, mounts };
  return { config, notes: report.notes, refusals: report.refusals };
}

function choose(
  servers: readonly ServerBlock[],
  name: string | undefined,
  file: string,
  report: Report,
): ServerBlock {
  const place = ({ directive, names }: ServerBlock) =>
    `${names[0] ?? "without a name"} (${directive.file}:${directive.line})`;
  if (servers.length === 0) throw new UsageError(`${file} has no server block; give the file that has it`);
  if (name !== undefined) {
    const found = servers.filter((each) => each.names.includes(name) && redirectPort(each) === undefined);
    if (found.length === 1) return found[0]!;
    const many = found.length > 1 ? "stands for several servers" : "is the name of no server";
    throw new UsageError(
      `--server ${JSON.stringify(name)} ${many}; there are ${servers.map(place).join(", ")}`,
    );
  }
  const withFiles = servers.filter((each) => redirectPort(each) === undefined && !isRedirectOnly(each));
  if (withFiles.length > 1) {
    throw new UsageError(
      `${file} has ${withFiles.length} servers, and tz-static answers every host name alike: choose one by --server NAME, of ${withFiles.map(place).join(", ")}`,
    );
  }
  const [server = servers[0]!] = withFiles;
  for (const other of servers) {
    if (other === server) continue;
    const what =
      redirectPort(other) === undefined ? "left out: it sends other hosts elsewhere" : "became httpRedirect";
    report.note(other.directive, `${what} (${other.names.join(" ") || "no name"})`);
  }
  return server;
}

function refuseNothing(server: Directive, report: Report): void {
  if (report.refusals.length === 0) {
    report.refuse(
      server,
      (server.block ?? []).some(isToHttps) ? "only sends clients to HTTPS" : "serves no folder",
    );
  }
}

function remarks(mounts: readonly PlannedMount[], process: ProcessConfig, report: Report): void {
  if (mounts.some(({ cacheControl }) => cacheControl === false)) {
    report.remark(
      '"cacheControl": false is nginx\'s silence about caching; without it files are revalidated, and names with a content hash kept for a year',
    );
  }
  report.remark(
    'names that begin with a dot are 404 but for /.well-known; "dotfiles": "allow" serves them as nginx does',
  );
  if (mounts.some(({ symlinks }) => symlinks === undefined)) {
    report.remark(
      'symbolic links that lead out of a root are 404; "symlinks": "follow" follows them as nginx does',
    );
  }
  const low = [process.port, process.httpRedirect].filter(
    (port) => port !== undefined && port > 0 && port < 1024,
  );
  if (low.length > 0) {
    report.remark(
      `port ${low.join(" and ")}: needs root (then --user) or the capability CAP_NET_BIND_SERVICE`,
    );
  }
}
