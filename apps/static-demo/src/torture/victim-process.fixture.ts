/**
 * A client that means well, in a process of its own: how long it waits is not how busy those are that attack. Compares
 * every byte. "probe" asks for a small file again and again and tells how long answers took since it was last asked; "load"
 * asks for small and large ones, in another process, since comparing them keeps it busy. Arguments: port, what it does.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { ByteClient, type ByteTally } from "./byte-client.fixture.js";
import { noise } from "./noise.fixture.js";

export interface VictimReport {
  /** How long each answer to a request for a small file took since the last time. */
  readonly waitsMs: readonly number[];
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

async function note(tookMs: number): Promise<void> {
  const startMs = performance.now() - tookMs;
  await sleep(PROBE_PAUSE_MS);
  if (startMs > awayUntilMs && performance.now() - seenMs < AWAY_MS) waits.push(tookMs);
}

const client =
  process.argv[3] === "probe"
    ? new ByteClient(port, [small], 1, note)
    : new ByteClient(port, [small, large], 2, () => sleep(LOAD_PAUSE_MS));

process.on("message", (message: string) => void answer(message));

async function answer(message: string): Promise<void> {
  const report: VictimReport = { waitsMs: waits, tally: undefined };
  waits = [];
  if (message !== "stop") {
    process.send!(report);
    return;
  }
  const tally = await client.stop();
  process.send!({ ...report, tally }, () => process.exit(0));
}
