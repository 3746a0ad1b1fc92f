import { compareServers } from "../harness/compare-servers.js";
import { figureTable, tableOfServers } from "../harness/figures.js";
import type { Scenario } from "../harness/scenario.js";

const SUBJECT = "tz-busy-2";
/** How many primes there are below 8,000. */
const PRIMES = "1007";

/** Handlers that compute are what workers are for: the generator takes next to nothing of the cores beside them. */
export const scenario: Scenario = {
  name: "busy-workers",
  title: "A handler that computes, in one process and in two workers, on all cores",
  targets: [SUBJECT, "tz-busy-1"],
  async run(work, targets, settings) {
    const result = await compareServers(
      {
        subject: SUBJECT,
        targets,
        root: work,
        work,
        path: "/primes",
        onAllCores: true,
        check: ({ status, body }) =>
          status === 200 && body.toString() === PRIMES ? undefined : `${status} ${body.toString()}`,
      },
      settings,
    );
    const time = { name: "time", title: "Time from answer to answer", unit: "µs", subject: SUBJECT };
    const measured = result.rows.map(({ target, about, version, rounds }) => ({
      target,
      about,
      version,
      values: rounds.map(({ requestsPerSecond }) => 1e6 / requestsPerSecond),
    }));
    return {
      tables: [figureTable(time, measured), tableOfServers("cpu", "CPU time of the server", result)],
      conditions: `${result.pinning}; ${settings.connections} connections.`,
      missing: result.missing,
    };
  },
};
