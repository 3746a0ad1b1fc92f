import { expect, test } from "vitest";
import { SpscRing } from "./spsc-ring.js";

const bytes = (...values: number[]) => Uint8Array.from(values);
const text = (view: Uint8Array) => new TextDecoder().decode(view);

function records(recordBytes: number, capacity: number): SpscRing {
  return SpscRing.create(new SharedArrayBuffer(SpscRing.bytesFor({ recordBytes, capacity })), {
    recordBytes,
    capacity,
  });
}
function variable(capacityBytes: number): SpscRing {
  return SpscRing.create(new ArrayBuffer(SpscRing.bytesFor({ capacityBytes })), { capacityBytes });
}

test("records come out as they went in, in order, and only as many as fit are taken", () => {
  const ring = records(4, 4);
  for (let i = 0; i < 4; i++) expect(ring.push(bytes(i, i, i, i))).toBe(true);
  expect(ring.push(bytes(9, 9, 9, 9))).toBe(false);
  const into = new Uint8Array(4);
  for (let i = 0; i < 4; i++) {
    expect(ring.pop(into)).toBe(4);
    expect([...into]).toEqual([i, i, i, i]);
  }
  expect(ring.pop(into)).toBe(-1);
  expect(ring.isReadable).toBe(false);
});

test("what is committed is seen when it is published, not before", () => {
  const memory = new SharedArrayBuffer(SpscRing.bytesFor({ recordBytes: 8, capacity: 4 }));
  const writer = SpscRing.create(memory, { recordBytes: 8, capacity: 4 });
  const reader = SpscRing.attach(memory);
  const at = writer.reserve();
  writer.bytes[at] = 5;
  writer.commit();
  expect(reader.peek()).toBe(-1);
  writer.publish();
  const found = reader.peek();
  expect(reader.bytes[found]).toBe(5);
  expect(reader.peekedBytes).toBe(8);
  // Peeking does not free it; releasing does.
  for (let i = 0; i < 3; i++) expect(writer.push(new Uint8Array(8))).toBe(true);
  expect(writer.push(new Uint8Array(8))).toBe(false);
  reader.release();
  expect(writer.push(new Uint8Array(8))).toBe(true);
});

test("a writer that dies before it publishes was never there; the next goes on", () => {
  const memory = new SharedArrayBuffer(SpscRing.bytesFor({ recordBytes: 8, capacity: 4 }));
  const dead = SpscRing.create(memory, { recordBytes: 8, capacity: 4 });
  dead.push(Uint8Array.from([1, 0, 0, 0, 0, 0, 0, 0]));
  dead.reserve();
  dead.commit();
  const next = SpscRing.attach(memory);
  next.push(Uint8Array.from([2, 0, 0, 0, 0, 0, 0, 0]));
  const seen: number[] = [];
  SpscRing.attach(memory).drain((all, at) => seen.push(all[at]!));
  expect(seen).toEqual([1, 2]);
});

test("a reader that dies before it releases had nothing; the next gets it again", () => {
  const memory = new SharedArrayBuffer(SpscRing.bytesFor({ recordBytes: 8, capacity: 4 }));
  const writer = SpscRing.create(memory, { recordBytes: 8, capacity: 4 });
  writer.push(Uint8Array.from([1, 0, 0, 0, 0, 0, 0, 0]));
  SpscRing.attach(memory).peek();
  const next = SpscRing.attach(memory);
  expect(next.bytes[next.peek()]).toBe(1);
});

test("batches of records go around the end", () => {
  const ring = records(3, 4);
  const into = new Uint8Array(12);
  let value = 0;
  let expected = 0;
  for (let round = 0; round < 10; round++) {
    const batch = Uint8Array.from({ length: 9 }, (_, i) => (value + Math.floor(i / 3)) & 0xff);
    const pushed = ring.pushBatch(batch);
    expect(pushed).toBe(3);
    value += pushed;
    expect(ring.pushBatch(batch)).toBe(1);
    const extra = value;
    value = extra;
    const popped = ring.popBatch(into);
    expect(popped).toBe(4);
    for (let i = 0; i < 3; i++)
      expect([...into.subarray(i * 3, i * 3 + 3)]).toEqual(new Array(3).fill((expected + i) & 0xff));
    expected += 3;
  }
});

test("messages of any size go around the end in one piece", () => {
  const ring = variable(64);
  expect(ring.messageBytesMax).toBe(24);
  const into = new Uint8Array(24);
  for (let i = 0; i < 200; i++) {
    const message = Uint8Array.from({ length: 1 + (i % 24) }, (_, k) => i + k);
    expect(ring.push(message)).toBe(true);
    expect(ring.pop(into)).toBe(message.length);
    expect([...into.subarray(0, message.length)]).toEqual([...message]);
  }
});

test("an array of messages is added as far as there is room", () => {
  const ring = variable(64);
  const messages = ["one", "two", "three", "four", "five"].map((word) => new TextEncoder().encode(word));
  expect(ring.pushBatch(messages)).toBe(4);
  const seen: string[] = [];
  expect(ring.drain((all, at, length) => seen.push(text(all.subarray(at, at + length))), 2)).toBe(2);
  expect(ring.drain((all, at, length) => seen.push(text(all.subarray(at, at + length))))).toBe(2);
  expect(seen).toEqual(["one", "two", "three", "four"]);
});

test("a visit that throws keeps its message and those after it", () => {
  const ring = records(8, 8);
  for (let i = 0; i < 4; i++) ring.push(new Uint8Array(8).fill(i));
  const seen: number[] = [];
  const visit = (all: Uint8Array, at: number) => {
    if (all[at] === 2) throw new Error("boom");
    seen.push(all[at]!);
  };
  expect(() => ring.drain(visit)).toThrow("boom");
  expect(() => ring.drain(visit)).toThrow("boom");
  expect(seen).toEqual([0, 1]);
  ring.drain((all, at) => seen.push(all[at]!));
  expect(seen).toEqual([0, 1, 2, 3]);
});

test("waiting ends when something comes, when there is room, or with the time", async () => {
  const ring = records(8, 2);
  expect(ring.waitReadable(5)).toBe(false);
  const readable = ring.waitReadableAsync(10_000);
  ring.push(new Uint8Array(8));
  expect(await readable).toBe(true);
  expect(ring.waitReadable(0)).toBe(true);
  ring.push(new Uint8Array(8));
  expect(ring.waitWritable(5)).toBe(false);
  expect(await ring.waitWritableAsync(5)).toBe(false);
  const writable = ring.waitWritableAsync(10_000);
  ring.pop(new Uint8Array(8));
  expect(await writable).toBe(true);
  expect(() => ring.waitReadable(-1)).toThrow(/timeoutMs must be from 0 to Infinity, got -1/);
  await expect(ring.waitReadableAsync(Number.NaN)).rejects.toThrow(/got NaN/);
});

test("waiting works over memory that is not shared, as a mapping is: by looking again, or by the caller's means", async () => {
  const polling = variable(64);
  expect(polling.waitReadable(5)).toBe(false);
  const readable = polling.waitReadableAsync(10_000);
  polling.push(bytes(1));
  expect(await readable).toBe(true);

  const log: string[] = [];
  let wakeUp = () => {};
  const memory = new ArrayBuffer(SpscRing.bytesFor({ capacityBytes: 64 }));
  SpscRing.create(memory, { capacityBytes: 64 });
  const writer = SpscRing.attach(memory, {
    wake: () => {
      log.push("wake");
      wakeUp();
    },
  });
  const reader = SpscRing.attach(memory, {
    sleep: (timeoutMs) => log.push(`sleep ${timeoutMs > 0}`),
    sleepAsync: () => new Promise<void>((resolve) => (wakeUp = resolve)),
  });
  writer.push(bytes(1));
  expect(log).toEqual([]);
  reader.pop(new Uint8Array(24));
  reader.waitReadable(1);
  expect(log).toContain("sleep true");
  const woken = reader.waitReadableAsync(10_000);
  writer.push(bytes(2));
  expect(await woken).toBe(true);
  expect(log).toContain("wake");
});

test("refuses wrong lengths, wrong memory and bad options", () => {
  const fixed = records(8, 4);
  expect(() => fixed.push(new Uint8Array(9))).toThrow(
    expect.objectContaining({
      code: "TZ_ALLOC_SIZE",
      message: "SpscRing: a message must have 8 bytes, got 9",
    }),
  );
  expect(() => fixed.pushBatch(new Uint8Array(9))).toThrow(/must be a multiple of recordBytes \(8\), got 9/);
  expect(() => fixed.popBatch(new Uint8Array(7))).toThrow(/room for one \(recordBytes 8\), got 7 bytes/);
  const ring = variable(64);
  for (const size of [0, -1, Number.NaN, 25, 1.5]) {
    expect(() => ring.reserve(size)).toThrow(/a message must have an integer from 1 to 24 bytes, got/);
  }
  ring.push(new Uint8Array(20).fill(3));
  expect(() => ring.pop(new Uint8Array(19))).toThrow(/into must have 20 bytes, got 19/);
  expect(ring.pop(new Uint8Array(20))).toBe(20);
  expect(() => ring.popBatch(new Uint8Array(64))).toThrow(expect.objectContaining({ code: "TZ_ALLOC_SIZE" }));
  expect(() => SpscRing.attach(new ArrayBuffer(1024))).toThrow(/does not hold a SpscRing/);
  expect(() => SpscRing.create(new ArrayBuffer(64), { capacityBytes: 64 })).toThrow(/memory must have/);
  expect(() => SpscRing.bytesFor({ recordBytes: 8, capacity: 3 })).toThrow(
    /"capacity" must be a power of two/,
  );
  expect(() => SpscRing.bytesFor({ recordBytes: 2 ** 24, capacity: 2 ** 24 })).toThrow(
    /recordBytes × capacity/,
  );
  expect(() => SpscRing.attach(new ArrayBuffer(8), { notify: 1 } as never)).toThrow();
});

test("positions run past 32 bits", () => {
  const layout = { recordBytes: 8, capacity: 4 };
  const memory = new ArrayBuffer(SpscRing.bytesFor(layout));
  SpscRing.create(memory, layout);
  // As after 2 ** 31 - 2 messages: head and tail are the words on the two lines after the header.
  const words = new Int32Array(memory);
  words[192 / 4] = 2 ** 31 - 2;
  words[320 / 4] = 2 ** 31 - 2;
  const ring = SpscRing.attach(memory);
  const into = new Uint8Array(8);
  for (let i = 0; i < 10; i++) {
    for (let k = 0; k < 3; k++) expect(ring.push(new Uint8Array(8).fill(i * 3 + k))).toBe(true);
    for (let k = 0; k < 3; k++) {
      expect(ring.pop(into)).toBe(8);
      expect(into[0]).toBe(i * 3 + k);
    }
  }
});
