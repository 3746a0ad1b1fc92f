import { expect, test } from "vitest";
import {
  canShareBetweenProcesses,
  exited,
  makeProcessMemory,
  started,
  startProcess,
} from "./process.fixture.js";
import { SpscRing, type SpscRingLayout } from "./spsc-ring.js";
import { checkMessage, MESSAGE_WORDS, writeMessage } from "./stamped-message.fixture.js";
import { ended, startThread } from "./thread.fixture.js";

const thread = new URL("./spsc-ring-thread.fixture.ts", import.meta.url);
const child = new URL("./spsc-ring-process.fixture.ts", import.meta.url);
const bytes = MESSAGE_WORDS * 4;

test.each<[string, SpscRingLayout]>([
  ["place", { recordBytes: bytes, capacity: 64 }],
  ["push", { recordBytes: bytes, capacity: 4 }],
  ["batch", { recordBytes: bytes, capacity: 128 }],
  ["place", { capacityBytes: 4096 }],
  ["push", { capacityBytes: 256 }],
])("a thread writes by %s, this one reads: all come, whole and in order (%j)", async (way, layout) => {
  const messages = way === "push" ? 20_000 : 60_000;
  const memory = new SharedArrayBuffer(SpscRing.bytesFor(layout));
  const ring = SpscRing.create(memory, layout);
  const writer = startThread(thread, { memory, messages, way });
  const end = ended(writer);
  const words = new Int32Array(ring.bytes.buffer, ring.bytes.byteOffset, ring.bytes.length >>> 2);
  let expected = 0;
  while (expected < messages) {
    const count = ring.drain((_all, at, length) => {
      if (length !== bytes) throw new Error(`a message of ${length} bytes`);
      checkMessage(words, at >> 2);
      if (words[(at >> 2) + 1] !== expected)
        throw new Error(`message ${words[(at >> 2) + 1]} came for ${expected}`);
      expected++;
    }, 1000);
    // Without blocking, so that an error of the thread is seen.
    if (count === 0 && !(await ring.waitReadableAsync(20_000))) break;
  }
  expect(expected).toBe(messages);
  await end;
});

test.skipIf(!canShareBetweenProcesses)(
  "a writing process that is killed leaves whole messages in order, and its successor goes on",
  async () => {
    const layout = { recordBytes: bytes, capacity: 256 };
    const memory = makeProcessMemory(SpscRing.bytesFor(layout) + 64);
    const ring = SpscRing.create(memory.region.bytes.subarray(0, memory.byteLength - 64), layout);
    const words = new Int32Array(ring.bytes.buffer, ring.bytes.byteOffset, ring.bytes.length >>> 2);
    const read: number[] = [];
    for (let writer = 0; writer < 3; writer++) {
      const process = startProcess(child, memory, { byteLength: memory.byteLength, side: "writer", writer });
      const end = exited(process);
      await started(process);
      read.push(0);
      const untilMs = performance.now() + 30 + writer * 17;
      const take = () =>
        ring.drain((_all, at) => {
          checkMessage(words, at >> 2);
          expect(words[at >> 2]).toBe(writer);
          expect(words[(at >> 2) + 1]).toBe(read[writer]!++);
        });
      while (performance.now() < untilMs || read[writer] === 0)
        if (take() === 0) await ring.waitReadableAsync(20);
      process.kill("SIGKILL");
      expect(await end).toBe("SIGKILL");
      take();
      expect(ring.isReadable).toBe(false);
    }
    expect(read.every((count) => count > 0)).toBe(true);
    memory.release();
  },
  240_000,
);

test.skipIf(!canShareBetweenProcesses)(
  "a reading process that is killed loses nothing: its successor gets what it had not released",
  async () => {
    const layout = { capacityBytes: 16_384 };
    const memory = makeProcessMemory(SpscRing.bytesFor(layout) + 64);
    const ring = SpscRing.create(memory.region.bytes.subarray(0, memory.byteLength - 64), layout);
    const words = new Int32Array(ring.bytes.buffer, ring.bytes.byteOffset, ring.bytes.length >>> 2);
    const expected = new Int32Array(
      memory.region.bytes.buffer,
      memory.region.bytes.byteOffset + memory.byteLength - 64,
      1,
    );
    let number = 0;
    const write = () => {
      for (let at = ring.reserve(bytes); at >= 0; at = ring.reserve(bytes)) {
        writeMessage(words, at >> 2, 1, number++);
        ring.commit();
      }
      ring.publish();
    };
    for (let round = 0; round < 3; round++) {
      const process = startProcess(child, memory, {
        byteLength: memory.byteLength,
        side: "reader",
        writer: 0,
      });
      const end = exited(process);
      await started(process);
      const untilMs = performance.now() + 30 + round * 17;
      while (performance.now() < untilMs) {
        write();
        await ring.waitWritableAsync(20, bytes);
      }
      process.kill("SIGKILL");
      // A reader that found a message torn or missing has ended with 1 before.
      expect(await end).toBe("SIGKILL");
    }
    const last = SpscRing.attach(memory.region.bytes.subarray(0, memory.byteLength - 64));
    last.drain((_all, at) => {
      checkMessage(words, at >> 2);
      if (words[(at >> 2) + 1] === expected[0]) expected[0]!++;
    });
    expect(expected[0]).toBe(number);
    expect(number).toBeGreaterThan(0);
    memory.release();
  },
  240_000,
);
