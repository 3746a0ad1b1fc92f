import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { mmap } from "@tz/sys";
import { KiB, MiB } from "../options.js";
import { SharedCache } from "./shared-cache.js";

/** A cache that is much too small for what is asked of it, so that everything happens all the time. */
export const HAMMER_OPTIONS = { maxBytes: 4 * MiB, maxEntryBytes: 60 * KiB, maxEntries: 400, maxWorkers: 8 };
export const HAMMER_KEYS = 600;

/** Behind the cache: the current version of each key, as the modification time of a file would be. */
export const CACHE_BYTES = SharedCache.byteLength(HAMMER_OPTIONS);
export const MEMORY_BYTES = CACHE_BYTES + 4096 * Math.ceil((HAMMER_KEYS * 4) / 4096);

const HEAD_WORDS = 4;

/** Head: key, version, length, checksum of everything else. */
export function makeValue(key: number, version: number): Uint8Array {
  // From some bytes to some ten thousand; small ones are the most.
  const spread = ((key * 2654435761 + version * 40503) >>> 0) / 4294967296;
  const words = HEAD_WORDS + Math.floor(spread ** 6 * 12_000);
  const value = new Uint32Array(words);
  for (let i = HEAD_WORDS; i < words; i++)
    value[i] = Math.imul(key + i, 0x9e3779b1) ^ Math.imul(version + i, 0x85ebca77);
  value.set([key, version, words]);
  value[3] = checksum(value);
  return new Uint8Array(value.buffer);
}

function checksum(words: Uint32Array): number {
  let sum = 0x811c9dc5;
  for (let i = 0; i < words.length; i++) if (i !== 3) sum = Math.imul(sum ^ words[i]!, 0x01000193);
  return sum >>> 0;
}

/** Whether a value is whole, and the one of this key and version. */
export function isWhole(view: Uint8Array, key: number, version: number): boolean {
  const words = new Uint32Array(view.buffer, view.byteOffset, view.byteLength >> 2);
  return (
    words[0] === key && words[1] === version && words[2] === words.length && words[3] === checksum(words)
  );
}

export interface HammerResult {
  hits: number;
  misses: number;
  inserts: number;
  changes: number;
  /** Must be 0. */
  torn: number;
  /** Must be 0: pinned bytes that changed before they were unpinned. */
  changedUnderPin: number;
  /** Must be 0: more bytes than the budget. */
  overBudget: number;
}

export interface HammerTask {
  readonly memory: SharedArrayBuffer | undefined;
  readonly seconds: number;
  readonly seed: number;
}

/** Reads, inserts, changes versions, holds pins for a while; checks every value at every look. */
export function hammer(cache: SharedCache, memory: Uint8Array, seconds: number, seed: number): HammerResult {
  const versions = new Int32Array(memory.buffer, memory.byteOffset + CACHE_BYTES, HAMMER_KEYS);
  const result = { hits: 0, misses: 0, inserts: 0, changes: 0, torn: 0, changedUnderPin: 0, overBudget: 0 };
  const held: { handle: number; key: number; version: number }[] = [];
  let state = seed;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 4294967296;
  };
  const release = (at: number): void => {
    const [pin] = held.splice(at, 1);
    if (!isWhole(cache.view(pin!.handle), pin!.key, pin!.version)) result.changedUnderPin++;
    cache.unpin(pin!.handle);
  };
  const endMs = performance.now() + seconds * 1000;
  for (let turn = 0; turn % 64 !== 0 || performance.now() < endMs; turn++) {
    const key = Math.floor(random() ** 2 * HAMMER_KEYS);
    const name = `/hammer/${key}`;
    const version = Atomics.load(versions, key);
    const handle = cache.pin(name, version);
    if (handle === SharedCache.NONE) {
      result.misses++;
      if (cache.insert(name, version, makeValue(key, version))) result.inserts++;
    } else {
      result.hits++;
      if (!isWhole(cache.view(handle), key, version)) result.torn++;
      held.push({ handle, key, version });
    }
    while (held.length > 8) release(Math.floor(random() * held.length));
    const chance = random();
    if (chance < 0.02) {
      Atomics.add(versions, key, 1);
      result.changes++;
    } else if (chance < 0.025) cache.invalidate(name);
    else if (chance < 0.03) {
      const reserved = cache.reserve(name, version, 5000);
      if (reserved !== SharedCache.NONE) cache.abandon(reserved);
    }
    if (turn % 64 === 0) {
      const { bytes, maxBytes } = cache.statistics();
      if (bytes > maxBytes) result.overBudget++;
    }
  }
  while (held.length > 0) release(0);
  cache.close();
  return result;
}

/** In a thread the memory comes with the task, in a process as descriptor 3. */
function main(): void {
  const task: HammerTask = isMainThread ? JSON.parse(process.argv[2]!) : workerData;
  const memory = task.memory ? new Uint8Array(task.memory) : mmap({ fd: 3, byteLength: MEMORY_BYTES }).bytes;
  const cache = SharedCache.attach(memory.subarray(0, CACHE_BYTES), { lockWaitMs: 200 });
  if (isMainThread) process.stdout.write("ready\n");
  else parentPort!.postMessage("ready");
  const result = hammer(cache, memory, task.seconds, task.seed);
  if (isMainThread) process.stdout.write(`${JSON.stringify(result)}\n`);
  else parentPort!.postMessage(result);
}

if (!isMainThread || process.argv[2]?.startsWith("{")) main();
