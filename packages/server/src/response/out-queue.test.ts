import { expect, test } from "vitest";
import { IoMemory } from "../loop/io-memory.js";
import type { Transport } from "../loop/loop.js";
import { SendBatch } from "../loop/send-batch.js";
import { BLOCKED, DRAINED, OutQueue } from "./out-queue.js";

const KiB = 1024;
const MiB = 1024 * KiB;
const batch = new SendBatch(new IoMemory(), false);

/** A socket without end before a disk that takes so long for each call. */
class SlowDisk {
  readonly asked: number[] = [];
  yields = 0;
  readonly #tookMs: number;

  constructor(tookMs: number) {
    this.#tookMs = tookMs;
  }

  sendFile(_fd: number, _offset: number, length: number): number {
    this.asked.push(length);
    const endMs = performance.now() + this.#tookMs;
    while (performance.now() < endMs);
    return length;
  }

  yieldWrite(): void {
    this.yields++;
  }
}

/** Drains to the end. @returns how much was asked for in each turn */
function turnsOf(disk: SlowDisk, length: number): number[][] {
  const queue = new OutQueue();
  queue.file({ fd: 3 }, 0, length, null);
  const turns: number[][] = [];
  for (let result = BLOCKED; result !== DRAINED; ) {
    const before = disk.asked.length;
    const yieldsBefore = disk.yields;
    result = queue.drain(disk as unknown as Transport, batch);
    turns.push(disk.asked.slice(before));
    expect(disk.yields - yieldsBefore).toBe(result === BLOCKED ? 1 : 0);
  }
  return turns;
}

test("of a slow disk one small piece is read in a turn, then others have theirs", () => {
  const turns = turnsOf(new SlowDisk(6), MiB);
  expect(turns).toEqual(Array.from({ length: 8 }, () => [128 * KiB]));
});

test("the steps grow no further than 2 MiB, and all of a file is sent once", () => {
  const turns = turnsOf(new SlowDisk(0), 20 * MiB + 1);
  const asked = turns.flat();
  expect(asked[0]).toBe(128 * KiB);
  expect(Math.max(...asked)).toBeLessThanOrEqual(2 * MiB);
  expect(asked.reduce((sum, length) => sum + length, 0)).toBe(20 * MiB + 1);
  // Others have their turn at least every 4 MiB and a step.
  for (const turn of turns) expect(turn.reduce((sum, length) => sum + length, 0)).toBeLessThan(6 * MiB);
});
