import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { figureTable, type Measured } from "../harness/figures.js";
import type { Scenario } from "../harness/scenario.js";
import { probeAll } from "../harness/serve-in-turn.js";
import { ServerProcess } from "../harness/server-process.js";
import type { Settings } from "../harness/settings.js";
import type { Target } from "../harness/target.js";
import { HeldTlsConnections, missingTlsLibrary } from "../load/hold-tls.js";
import { makeSite, styleSheet } from "../site/style-sheet.js";

interface Counts {
  /** The first connections make the server ready. */
  readonly few: number;
  readonly many: number;
}

const FULL: Counts = { few: 1000, many: 15_000 };
const TINY: Counts = { few: 10, many: 60 };
/** Memory that is no longer needed goes back late. */
const SETTLE_MS = 1500;
const POLL_MS = 50;
/** Until a server has closed what its clients have closed. */
const CLOSE_TIMEOUT_MS = 20_000;

interface Site {
  readonly root: string;
  readonly work: string;
}

/** Sockets of the server's processes. */
const descriptors = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + readdirSync(`/proc/${pid}/fd`).length, 0);

/** What each connection adds to resident memory. @throws Error when descriptors stay open after the connections */
async function bytesEach(
  target: Target,
  site: Site,
  { few, many }: Counts,
  settings: Settings,
): Promise<number> {
  const server = await ServerProcess.start(target, site);
  const held = new HeldTlsConnections(server.port, site.work);
  const request = `GET /style.css HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n\r\n`;
  const residentBytes = async (): Promise<number> => {
    await sleep(settings.tiny ? 0 : SETTLE_MS);
    return server.measure().residentKiB * 1024;
  };
  try {
    await held.add(few, request);
    await held.close();
    await held.add(few, request);
    const opened = descriptors(server.pids);
    const before = await residentBytes();
    await held.add(many - few, request);
    const after = await residentBytes();
    await held.close();
    const idle = opened - few;
    for (
      const deadline = Date.now() + CLOSE_TIMEOUT_MS;
      descriptors(server.pids) > idle;
      await sleep(POLL_MS)
    ) {
      if (Date.now() < deadline) continue;
      throw new Error(
        `${target.name} keeps ${descriptors(server.pids) - idle} descriptors of closed connections`,
      );
    }
    return (after - before) / (many - few);
  } finally {
    await held.close();
    await server.stop();
  }
}

export const scenario: Scenario = {
  name: "idle-tls",
  title: "Idle TLS connections",
  targets: ["tz-static-tls", "nginx-tls"],
  async run(work, targets, settings) {
    const lacking = missingTlsLibrary();
    if (lacking) throw new Error(lacking);
    const counts = settings.tiny ? TINY : FULL;
    const site = { root: makeSite(work, { "style.css": styleSheet }), work };
    const probed = await probeAll(targets);
    const values = probed.present.map((): number[] => []);
    const rounds = settings.tiny ? 1 : Math.min(3, settings.rounds);
    for (let round = 1; round <= rounds; round++) {
      for (const [i, { target }] of probed.present.entries()) {
        settings.progress(`round ${round}/${rounds}: ${target.name}, ${counts.many} connections`);
        values[i]!.push(await bytesEach(target, site, counts, settings));
      }
    }
    const measured = probed.present.map(
      ({ target, version }, i): Measured => ({
        target: target.name,
        about: target.about,
        version,
        values: values[i]!,
      }),
    );
    const title = `Resident memory for each idle TLS connection, ${counts.few} to ${counts.many}`;
    return {
      tables: [figureTable({ name: "memory", title, unit: "bytes", subject: "tz-static-tls" }, measured)],
      conditions:
        "TLS 1.3, each connection had one request answered. Resident memory of the server's processes; the kernel's socket memory is not in it. After the clients closed, the servers had as many descriptors as before.",
      missing: probed.missing,
    };
  },
};
