import { findCores } from "./cores.js";
import type { Answer } from "./exchange.js";
import { exchange } from "./exchange.js";
import { probeAll } from "./serve-in-turn.js";
import { ServerProcess } from "./server-process.js";
import type { Settings } from "./settings.js";
import { ratiosOf, type Spread, spreadOf } from "./statistics.js";
import type { Target } from "./target.js";
import { type LoadResult, missingWrk, runWrk } from "./wrk.js";

export interface Comparison {
  /** Name of the target that the others are compared with. */
  readonly subject: string;
  /** Targets in table order, the subject among them. */
  readonly targets: readonly string[];
  readonly root: string;
  readonly work: string;
  readonly path: string;
  readonly requestFields?: readonly string[];
  /** HTTPS, with whatever certificate. */
  readonly secure?: boolean;
  /** A wrk script that makes the requests, and its arguments; otherwise wrk asks for `path` over and over. */
  readonly script?: { readonly file: string; readonly args: readonly string[] };
  /** The request whose answer is checked, when it is not GET `path`. */
  readonly request?: (port: number) => string;
  /**
   * Bytes of one body, for bodies so large that few are whole when a round ends: requests are then counted by the bytes
   * that came, and the size of an answer under load is not compared.
   */
  readonly bodyBytes?: number;
  /**
   * wrk sends several requests at a time. Its correction of latencies takes the wait for the whole batch for a stall,
   * and adds samples that nobody waited for (their p99 is 0 when most of them are below the shortest that was seen):
   * no latencies are told.
   */
  readonly inBatches?: boolean;
  /** Server and wrk may use every core, and share them: for what one core does not show. */
  readonly onAllCores?: boolean;
  /** What is wrong with an answer, or `undefined`. A target with a wrong answer is not measured. */
  check(answer: Answer): string | undefined;
  /** More checks of a server, before it is measured and after each of its rounds. @throws Error when it is wrong */
  prove?(port: number, taken: LoadResult | undefined, target: Target): Promise<void>;
}

/** One round of one target. */
export interface Sample extends LoadResult {
  readonly cpuMicrosPerRequest: number;
  readonly residentKiB: number;
}

export interface Row {
  readonly target: string;
  readonly about: string;
  readonly version: string;
  readonly cpuMicrosPerRequest: Spread;
  /** Cost of the subject divided by the cost of this one, round by round: below 1 the subject is cheaper. */
  readonly subjectRatio: Spread;
  readonly requestsPerSecond: Spread;
  readonly p50Micros: Spread;
  readonly p99Micros: Spread;
  readonly idleKiB: number;
  readonly residentKiB: number;
  readonly rounds: readonly Sample[];
}

export interface ComparisonResult {
  readonly subject: string;
  readonly pinning: string;
  readonly rows: readonly Row[];
  /** What was left out, and why. */
  readonly missing: readonly { readonly target: string; readonly why: string }[];
  /** wrk's latencies mean nothing here. */
  readonly withoutLatencies?: boolean;
  /** What else was seen, in sentences. */
  readonly notes?: readonly string[];
}

/**
 * A server is warm when it has worked for so long: just-in-time compilers are done then, however little of the machine
 * they get. At most so many loads of a second.
 */
const WARM_CPU_MICROS = 1_500_000;
const WARM_LOADS_MAX = 8;

async function warmUp(
  server: ServerProcess,
  load: () => Promise<LoadResult>,
  prove: (taken: LoadResult) => unknown,
) {
  const { cpuMicros: start } = server.measure();
  for (let i = 0; i < WARM_LOADS_MAX && server.measure().cpuMicros - start < WARM_CPU_MICROS; i++)
    await prove(await load());
}

/**
 * The method for servers: every answer is checked first; then the targets take turns, A B C A B C …, each pinned
 * to one core with the generator on another; the figure is CPU time of the server's processes per request.
 * @throws Error when a target answers wrongly, before or under load
 */
export async function compareServers(comparison: Comparison, settings: Settings): Promise<ComparisonResult> {
  const noWrk = missingWrk();
  if (noWrk) throw new Error(noWrk);
  const cores: ReturnType<typeof findCores> = comparison.onAllCores
    ? { unpinned: "server and wrk on all cores" }
    : findCores();
  const serverCore = "server" in cores ? cores.server : undefined;
  const loadCore = "load" in cores ? cores.load : undefined;
  const { present, missing } = await probeAll(comparison.targets);
  const subjectAt = present.findIndex(({ target }) => target.name === comparison.subject);
  if (subjectAt < 0)
    throw new Error(`nothing to compare: ${comparison.subject} is missing or not among the targets`);
  const servers: ServerProcess[] = [];
  try {
    for (const { target } of present) servers.push(await ServerProcess.start(target, comparison, serverCore));
    const idle = servers.map((server) => server.measure().residentKiB);
    const sizes = [];
    for (const server of servers) sizes.push(await checkedSize(server, comparison));
    const samples = servers.map((): Sample[] => []);
    const load = (server: ServerProcess, seconds: number) =>
      sample(server, comparison, { ...settings, seconds }, loadCore);
    for (const server of servers) await comparison.prove?.(server.port, undefined, server.target);
    for (const server of settings.tiny ? [] : servers) {
      settings.progress(`warm-up: ${server.target.name}`);
      await warmUp(
        server,
        () => load(server, 1),
        (taken) => comparison.prove?.(server.port, taken, server.target),
      );
    }
    for (let round = 1; round <= settings.rounds; round++) {
      for (const [i, server] of servers.entries()) {
        settings.progress(`round ${round}/${settings.rounds}: ${server.target.name}`);
        const taken = await load(server, settings.seconds);
        refuseWrongLoad(server, taken, comparison.bodyBytes === undefined ? sizes[i] : undefined);
        await comparison.prove?.(server.port, taken, server.target);
        samples[i]?.push(taken);
      }
    }
    for (const server of servers) await checkedSize(server, comparison);
    const base = samples[subjectAt] ?? [];
    return {
      subject: comparison.subject,
      ...(comparison.inBatches && { withoutLatencies: true }),
      pinning:
        "server" in cores ? `server on core ${cores.server}, wrk on core ${cores.load}` : cores.unpinned,
      missing,
      rows: present.map(({ target, version }, i) =>
        rowOf(target, version, samples[i] ?? [], base, idle[i] ?? 0),
      ),
    };
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

/** The request that wrk will send. */
function requestTo(port: number, { path, requestFields = [], request }: Comparison): string {
  return (
    request?.(port) ??
    [`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, ...requestFields, "", ""].join("\r\n")
  );
}

async function checkedSize(server: ServerProcess, comparison: Comparison): Promise<number> {
  const answer = await exchange(server.port, requestTo(server.port, comparison), comparison.secure);
  const wrong = comparison.check(answer);
  if (wrong) throw new Error(`${server.target.name} answers wrongly: ${wrong}`);
  return answer.byteLength;
}

async function sample(
  server: ServerProcess,
  comparison: Comparison,
  settings: Settings,
  core: number | undefined,
): Promise<Sample> {
  const before = server.measure();
  const result = await runWrk(
    {
      url: `${comparison.secure ? "https" : "http"}://127.0.0.1:${server.port}${comparison.path}`,
      seconds: settings.seconds,
      connections: settings.connections,
      fields: comparison.requestFields ?? [],
      ...(comparison.script && { script: comparison.script }),
    },
    core,
  );
  const after = server.measure();
  const { bodyBytes } = comparison;
  const requests =
    bodyBytes === undefined ? result.requests : (result.bytesPerRequest * result.requests) / bodyBytes;
  return {
    ...result,
    cpuMicrosPerRequest: (after.cpuMicros - before.cpuMicros) / requests,
    residentKiB: after.residentKiB,
  };
}

/** wrk rounds its total to three digits, and an answer cut off by the end of a run counts in part. */
const sizeTolerance = 0.02;

function refuseWrongLoad(server: ServerProcess, taken: LoadResult, checkedBytes: number | undefined): void {
  const { name } = server.target;
  if (taken.failures > 0)
    throw new Error(`${name} failed ${taken.failures} of ${taken.requests} requests under load`);
  if (checkedBytes !== undefined && Math.abs(taken.bytesPerRequest / checkedBytes - 1) > sizeTolerance) {
    throw new Error(
      `${name} sent ${taken.bytesPerRequest.toFixed(0)} bytes an answer under load, ${checkedBytes} before`,
    );
  }
}

function rowOf(
  target: Target,
  version: string,
  rounds: readonly Sample[],
  base: readonly Sample[],
  idleKiB: number,
): Row {
  const each = (pick: (sample: Sample) => number) => spreadOf(rounds.map(pick));
  const cost = (samples: readonly Sample[]) => samples.map((one) => one.cpuMicrosPerRequest);
  return {
    target: target.name,
    about: target.about,
    version,
    cpuMicrosPerRequest: spreadOf(cost(rounds)),
    subjectRatio: spreadOf(ratiosOf(cost(base), cost(rounds))),
    requestsPerSecond: each((one) => one.requestsPerSecond),
    p50Micros: each((one) => one.p50Micros),
    p99Micros: each((one) => one.p99Micros),
    idleKiB,
    residentKiB: Math.max(...rounds.map((one) => one.residentKiB)),
    rounds,
  };
}
