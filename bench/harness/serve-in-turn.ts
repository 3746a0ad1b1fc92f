import { findCores } from "./cores.js";
import type { Measured } from "./figures.js";
import { ServerProcess } from "./server-process.js";
import type { Settings } from "./settings.js";
import type { Serving, Target } from "./target.js";
import { loadTargets } from "./target.js";

export interface Probed {
  readonly present: readonly { readonly target: Target; readonly version: string }[];
  readonly missing: readonly { readonly target: string; readonly why: string }[];
}

/** Which targets can run here, and what the others lack. */
export async function probeAll(names: readonly string[]): Promise<Probed> {
  const probed = (await loadTargets(names)).map((target) => ({ target, probe: target.probe() }));
  return {
    present: probed.flatMap(({ target, probe }) =>
      "version" in probe ? [{ target, version: probe.version }] : [],
    ),
    missing: probed.flatMap(({ target, probe }) =>
      "missing" in probe ? [{ target: target.name, why: probe.missing }] : [],
    ),
  };
}

/** Servers that take turns, A B C A B C …, on the core for servers; `round` measures one of them once. */
export async function serveInTurn(
  probed: Probed,
  site: Omit<Serving, "port">,
  settings: Settings,
  round: (server: ServerProcess, warm: boolean) => Promise<number>,
): Promise<Measured[]> {
  const cores = findCores();
  const servers: ServerProcess[] = [];
  try {
    for (const { target } of probed.present)
      servers.push(await ServerProcess.start(target, site, "server" in cores ? cores.server : undefined));
    for (const server of servers) await round(server, false);
    const values = servers.map((): number[] => []);
    for (let number = 1; number <= settings.rounds; number++) {
      for (const [i, server] of servers.entries()) {
        settings.progress(`round ${number}/${settings.rounds}: ${server.target.name}`);
        values[i]!.push(await round(server, true));
      }
    }
    return probed.present.map(({ target, version }, i) => ({
      target: target.name,
      about: target.about,
      version,
      values: values[i]!,
    }));
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}
