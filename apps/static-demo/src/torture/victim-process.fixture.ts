/**
 * Clients that mean well, in a process of their own: how long they wait is not how busy those are that attack. Compares
 * every byte, and tells how long answers to a small file took since it was last asked. Argument: port.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { ByteClient, type ByteTally } from "./byte-client.fixture.js";
import { noise } from "./noise.fixture.js";

/** Of answers to requests for a small file, since the last time. */
export interface Waits {
  readonly answers: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly slowestMs: number;
}

export interface VictimReport {
  readonly waits: Waits;
  /** After "stop". */
  readonly tally: ByteTally | undefined;
}

const PROBE_PAUSE_MS = 5;
const LOAD_PAUSE_MS = 20;
/** This process itself was away for longer than that: what it measured meanwhile is not the server's. */
const AWAY_MS = 200;
const WATCH_MS = 20;

const port = Number(process.argv[2]);
const small = { target: "/files/small.bin", bytes: noise(3000) };
const large = { target: "/files/large.bin", bytes: noise(5_000_000) };

let waits: number[] = [];
let awayUntilMs = 0;
let seenMs = performance.now();
setInterval(() => {
  const nowMs = performance.now();
  if (nowMs - seenMs > AWAY_MS) awayUntilMs = nowMs;
  seenMs = nowMs;
}, WATCH_MS);

const probe = new ByteClient(port, [small], 1, async (tookMs) => {
  const startMs = performance.now() - tookMs;
  await sleep(PROBE_PAUSE_MS);
  if (startMs > awayUntilMs && performance.now() - seenMs < AWAY_MS) waits.push(tookMs);
});
const load = new ByteClient(port, [small, large], 2, () => sleep(LOAD_PAUSE_MS));

function phase(): Waits {
  const sorted = waits.sort((a, b) => a - b);
  waits = [];
  const at = (share: number): number =>
    Math.round((sorted[Math.floor(sorted.length * share)] ?? 0) * 100) / 100;
  return { answers: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), slowestMs: at(1 - Number.EPSILON) };
}

process.on("message", (message: string) => void answer(message));

async function answer(message: string): Promise<void> {
  const report: VictimReport = { waits: phase(), tally: undefined };
  if (message !== "stop") {
    process.send!(report);
    return;
  }
  const [ofProbe, ofLoad] = await Promise.all([probe.stop(), load.stop()]);
  const tally: ByteTally = {
    requests: ofProbe.requests + ofLoad.requests,
    bytes: ofProbe.bytes + ofLoad.bytes,
    connections: ofProbe.connections + ofLoad.connections,
    excused: 0,
    failures: [...ofProbe.failures, ...ofLoad.failures],
    slowestMs: Math.max(ofProbe.slowestMs, ofLoad.slowestMs),
  };
  process.send!({ ...report, tally }, () => process.exit(0));
}
