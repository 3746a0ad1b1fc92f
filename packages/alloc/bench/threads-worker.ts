// A thread of threads.ts.
import { parentPort, workerData } from "node:worker_threads";
import { MpmcQueue, SharedSlabPool, SpscRing } from "../src/index.js";
import { threadCpuNs } from "./measure.js";

export interface Job {
  readonly kind: "slots" | "ring-writer" | "ring-reader" | "queue-writer" | "queue-reader";
  readonly memory: SharedArrayBuffer;
  readonly owner: number;
  readonly count: number;
  readonly magazineSlots: number;
  readonly way?: "batch" | "place" | "push";
  /** Threads wait here until all have come. */
  readonly gate: SharedArrayBuffer;
  readonly threads: number;
}

export interface Outcome {
  readonly startNs: number;
  readonly endNs: number;
  readonly cpuNs: number;
}

const job = workerData as Job;
const BATCH = 64;
const WORDS = 16;
const WAIT_MS = 20_000;

function expectWait(arrived: boolean): void {
  if (!arrived) throw new Error("the other thread does not come");
}

function useSlots(pool: SharedSlabPool, count: number): void {
  const held = Array.from({ length: 16 }, () => pool.allocate());
  for (let i = 0; i < count; i++) {
    pool.free(held[i & 15]!);
    held[i & 15] = pool.allocate();
  }
  for (const slot of held) pool.free(slot);
}

const stamp = (number: number, word: number): number => Math.imul(number, 31) + word;

function check(words: Int32Array, at: number, number: number): void {
  for (let word = 0; word < WORDS; word++) {
    if (words[at + word] !== (stamp(number, word) | 0))
      throw new Error(`message ${number} is wrong in word ${word}`);
  }
}

function fill(words: Int32Array, at: number, number: number): void {
  for (let word = 0; word < WORDS; word++) words[at + word] = stamp(number, word);
}

/** For batches: the number and its complement, so that the ring's work is measured and not the filling of messages. */
function fillEnds(words: Int32Array, at: number, number: number): void {
  words[at] = number;
  words[at + WORDS - 1] = ~number;
}

function checkEnds(words: Int32Array, at: number, number: number): void {
  if (words[at] !== number || words[at + WORDS - 1] !== ~number)
    throw new Error(`message ${number} is wrong`);
}

function writeRing(ring: SpscRing, count: number): void {
  const buffer = new Uint8Array(BATCH * WORDS * 4);
  const words = new Int32Array(buffer.buffer);
  const inPlace = new Int32Array(ring.bytes.buffer, ring.bytes.byteOffset, ring.bytes.length >>> 2);
  const one = buffer.subarray(0, WORDS * 4);
  for (let number = 0; number < count; ) {
    if (job.way === "batch") {
      const batch = Math.min(BATCH, count - number);
      for (let i = 0; i < batch; i++) fillEnds(words, i * WORDS, number + i);
      for (let sent = 0; sent < batch; ) {
        const pushed = ring.pushBatch(buffer.subarray(sent * WORDS * 4, batch * WORDS * 4));
        sent += pushed;
        if (pushed === 0) expectWait(ring.waitWritable(WAIT_MS));
      }
      number += batch;
    } else if (job.way === "place") {
      const at = ring.reserve();
      if (at < 0) {
        ring.publish();
        expectWait(ring.waitWritable(WAIT_MS));
        continue;
      }
      fill(inPlace, at >> 2, number++);
      ring.commit();
      if (number % BATCH === 0) ring.publish();
    } else {
      fill(words, 0, number);
      if (ring.push(one)) number++;
      else expectWait(ring.waitWritable(WAIT_MS));
    }
  }
  ring.publish();
}

function readRing(ring: SpscRing, count: number): void {
  const buffer = new Uint8Array(BATCH * WORDS * 4);
  const words = new Int32Array(buffer.buffer);
  const inPlace = new Int32Array(ring.bytes.buffer, ring.bytes.byteOffset, ring.bytes.length >>> 2);
  for (let number = 0; number < count; ) {
    if (job.way === "batch") {
      const popped = ring.popBatch(buffer);
      for (let i = 0; i < popped; i++) checkEnds(words, i * WORDS, number + i);
      number += popped;
      if (popped === 0) expectWait(ring.waitReadable(WAIT_MS));
    } else if (job.way === "place") {
      const at = ring.peek();
      if (at < 0) {
        ring.release();
        expectWait(ring.waitReadable(WAIT_MS));
        continue;
      }
      check(inPlace, at >> 2, number++);
      if (number % BATCH === 0) ring.release();
    } else if (ring.pop(buffer) < 0) expectWait(ring.waitReadable(WAIT_MS));
    else check(words, 0, number++);
  }
  ring.release();
}

function writeQueue(queue: MpmcQueue, count: number): void {
  const message = new Uint8Array(56);
  const words = new Int32Array(message.buffer);
  for (let number = 0; number < count; ) {
    words[0] = number;
    if (queue.push(message)) number++;
    else expectWait(queue.waitWritable(WAIT_MS));
  }
}

function readQueue(queue: MpmcQueue, count: number): void {
  const message = new Uint8Array(56);
  const words = new Int32Array(message.buffer);
  for (let number = 0; number < count; ) {
    if (queue.pop(message) < 0) expectWait(queue.waitReadable(WAIT_MS));
    else if (words[0] !== number++) throw new Error(`message ${words[0]} came for ${number - 1}`);
  }
}

function prepare(): () => void {
  const { memory, owner, count, magazineSlots } = job;
  if (job.kind === "slots") {
    const pool = SharedSlabPool.attach(memory, { owner, magazineSlots });
    return () => useSlots(pool, count);
  }
  if (job.kind === "ring-writer" || job.kind === "ring-reader") {
    const ring = SpscRing.attach(memory);
    return job.kind === "ring-writer" ? () => writeRing(ring, count) : () => readRing(ring, count);
  }
  const queue = MpmcQueue.attach(memory, { owner });
  return job.kind === "queue-writer" ? () => writeQueue(queue, count) : () => readQueue(queue, count);
}

const work = prepare();
const gate = new Int32Array(job.gate);
Atomics.add(gate, 0, 1);
Atomics.notify(gate, 0);
for (let come = Atomics.load(gate, 0); come < job.threads; come = Atomics.load(gate, 0))
  Atomics.wait(gate, 0, come, 1000);
const cpuBefore = threadCpuNs();
const startNs = Number(process.hrtime.bigint());
work();
const endNs = Number(process.hrtime.bigint());
parentPort?.postMessage({ startNs, endNs, cpuNs: threadCpuNs() - cpuBefore } satisfies Outcome);
