import { expect, test } from "vitest";
import { MpmcQueue } from "./mpmc-queue.js";

const layout = { recordBytes: 24, capacity: 4 };
const message = (value: number, length = 3) => new Uint8Array(length).fill(value);

function makeQueue(memory: ArrayBufferLike = new SharedArrayBuffer(MpmcQueue.bytesFor(layout))) {
  MpmcQueue.create(memory, layout);
  return memory;
}
function takeAll(queue: MpmcQueue): number[] {
  const values: number[] = [];
  queue.drain((found) => values.push(found[0]!));
  return values;
}

test("messages of any length up to the record come out in order, whoever takes them", () => {
  const memory = makeQueue();
  const a = MpmcQueue.attach(memory, { owner: 1 });
  const b = MpmcQueue.attach(memory, { owner: 2 });
  const into = new Uint8Array(24);
  for (let i = 0; i < 40; i++) {
    expect(a.push(message(i, 1 + (i % 24)))).toBe(true);
    expect(b.push(message(100 + i))).toBe(true);
    expect(a.length).toBe(2);
    expect(b.pop(into)).toBe(1 + (i % 24));
    expect(into[0]).toBe(i);
    expect(a.pop(into)).toBe(3);
    expect(into[0]).toBe(100 + i);
    expect(a.pop(into)).toBe(-1);
  }
});

test("is bounded", () => {
  const queue = MpmcQueue.attach(makeQueue(), { owner: 1 });
  expect(queue.pushBatch([1, 2, 3, 4, 5, 6].map((value) => message(value)))).toBe(4);
  expect(queue.push(message(7))).toBe(false);
  expect(queue.isWritable).toBe(false);
  expect(takeAll(queue)).toEqual([1, 2, 3, 4]);
  expect(queue.isReadable).toBe(false);
  expect(queue.isWritable).toBe(true);
});

test("a slow reader does not let others read what is not there yet", () => {
  const memory = makeQueue();
  const slow = MpmcQueue.attach(memory, { owner: 1 });
  const fast = MpmcQueue.attach(memory, { owner: 2 });
  slow.pushBatch([1, 2, 3, 4].map((value) => message(value)));
  slow.drain(() => {
    // While it is at the first, the others are taken, and the head comes around to its cell.
    expect(takeAll(fast)).toEqual([2, 3, 4]);
    expect(fast.isReadable).toBe(false);
    expect(takeAll(fast)).toEqual([]);
    // Its cell is not free yet.
    expect(fast.push(message(5))).toBe(false);
  }, 1);
  expect(fast.push(message(5))).toBe(true);
  expect(takeAll(slow)).toEqual([5]);
});

test("a message whose visit throws counts as taken", () => {
  const queue = MpmcQueue.attach(makeQueue(), { owner: 1 });
  queue.pushBatch([message(1), message(2)]);
  expect(() =>
    queue.drain(() => {
      throw new Error("boom");
    }),
  ).toThrow("boom");
  expect(takeAll(queue)).toEqual([2]);
});

/** Makes a worker die between two steps: its next write of message bytes throws. */
function killInPush(queue: MpmcQueue): void {
  const dying = message(99);
  Object.defineProperty(dying, "length", {
    get: (() => {
      let looks = 0;
      return () => {
        // Once for the check; then the cell is claimed and the length is written.
        if (++looks > 1) throw new Error("killed");
        return 3;
      };
    })(),
  });
  expect(() => queue.push(dying)).toThrow("killed");
}

test("a writer that dies in the middle holds up readers until it is recovered, and its message is skipped", () => {
  const memory = makeQueue();
  const dead = MpmcQueue.attach(memory, { owner: 1 });
  const other = MpmcQueue.attach(memory, { owner: 2 });
  other.push(message(1));
  killInPush(dead);
  other.push(message(2));
  expect(takeAll(other)).toEqual([1]);
  expect(takeAll(other)).toEqual([]);
  expect(() => MpmcQueue.attach(memory, { owner: 1 })).toThrow(/owner 1 is attached already/);
  expect(other.recover(1)).toBe(1);
  expect(other.isReadable).toBe(true);
  expect(takeAll(other)).toEqual([2]);
  // All four cells are in use again.
  expect(other.pushBatch([3, 4, 5, 6].map((value) => message(value)))).toBe(4);
  expect(takeAll(other)).toEqual([3, 4, 5, 6]);
  expect(MpmcQueue.attach(memory, { owner: 1 }).owner).toBe(1);
});

test("a message that a dead reader had begun to take goes to the recoverer, again if that dies too", () => {
  const memory = makeQueue();
  const dead = MpmcQueue.attach(memory, { owner: 1 });
  const other = MpmcQueue.attach(memory, { owner: 2 });
  other.push(message(1));
  other.push(message(2));
  let taken = 0;
  dead.drain((found) => {
    taken = found[0]!;
    // It dies here: whoever recovers it gets the message.
    const orphans: number[] = [];
    expect(() =>
      other.recover(1, () => {
        throw new Error("killed");
      }),
    ).toThrow("killed");
    const third = MpmcQueue.attach(memory, { owner: 3 });
    expect(() => third.recover(1)).toThrow(/being recovered by owner 2/);
    expect(third.recover(2, (orphan) => orphans.push(orphan[0]!))).toBe(1);
    expect(third.recover(1, (orphan) => orphans.push(orphan[0]!))).toBe(0);
    expect(orphans).toEqual([1]);
    expect(takeAll(third)).toEqual([2]);
  }, 1);
  expect(taken).toBe(1);
});

test("a recovery that was cut short by its callback is completed by calling it again", () => {
  const memory = makeQueue();
  const dead = MpmcQueue.attach(memory, { owner: 1 });
  const other = MpmcQueue.attach(memory, { owner: 2 });
  other.push(message(1));
  dead.drain(() => {
    expect(() =>
      other.recover(1, () => {
        throw new Error("not now");
      }),
    ).toThrow("not now");
    const orphans: number[] = [];
    expect(other.recover(1, (orphan) => orphans.push(orphan[0]!))).toBe(1);
    expect(orphans).toEqual([1]);
    expect(other.recover(1)).toBe(0);
  }, 1);
});

test.each([true, false])(
  "waiting ends when something comes, when there is room, or with the time (shared: %s)",
  async (shared) => {
    const size = MpmcQueue.bytesFor(layout);
    const queue = MpmcQueue.attach(makeQueue(shared ? new SharedArrayBuffer(size) : new ArrayBuffer(size)), {
      owner: 1,
    });
    expect(queue.waitReadable(5)).toBe(false);
    expect(await queue.waitReadableAsync(5)).toBe(false);
    const readable = queue.waitReadableAsync(10_000);
    queue.push(message(1));
    expect(await readable).toBe(true);
    expect(queue.waitReadable(0)).toBe(true);
    queue.pushBatch([2, 3, 4].map((value) => message(value)));
    expect(queue.waitWritable(5)).toBe(false);
    const writable = queue.waitWritableAsync(10_000);
    queue.pop(new Uint8Array(24));
    expect(await writable).toBe(true);
    expect(queue.waitWritable(0)).toBe(true);
  },
);

test("laps run past the bits that count them", () => {
  const small = { recordBytes: 8, capacity: 2 };
  const memory = new ArrayBuffer(MpmcQueue.bytesFor(small));
  MpmcQueue.create(memory, small);
  // As after 2 ** 32 - 4 messages: positions near their end, cells empty in the lap of that.
  const words = new Int32Array(memory);
  words[192 / 4] = -4;
  words[320 / 4] = -4;
  const lap = (-4 >>> 1) & 0x1fffff;
  const cells = (memory.byteLength - 2 * 64) / 4;
  words[cells] = lap << 11;
  words[cells + 16] = lap << 11;
  const queue = MpmcQueue.attach(memory, { owner: 1 });
  for (let i = 0; i < 20; i++) {
    expect(queue.push(message(i))).toBe(true);
    expect(queue.push(message(i + 100))).toBe(true);
    expect(queue.push(message(0))).toBe(false);
    expect(takeAll(queue)).toEqual([i, i + 100]);
  }
});

test("refuses wrong lengths, wrong memory, wrong owners and bad options", () => {
  const memory = makeQueue();
  const queue = MpmcQueue.attach(memory, { owner: 1 });
  for (const length of [0, 25]) {
    expect(() => queue.push(message(1, length))).toThrow(
      expect.objectContaining({
        code: "TZ_ALLOC_SIZE",
        message: `MpmcQueue: a message must have 1 to 24 bytes, got ${length}`,
      }),
    );
    expect(() => queue.pushBatch([message(1), message(1, length)])).toThrow(/1 to 24 bytes/);
  }
  expect(queue.length).toBe(0);
  expect(() => queue.pop(new Uint8Array(23))).toThrow(/into must have 24 bytes, got 23/);
  expect(() => MpmcQueue.attach(memory, { owner: 0 })).toThrow(
    /owner must be an integer from 1 to 255, got 0/,
  );
  expect(() => queue.recover(1)).toThrow(/cannot recover itself/);
  expect(() => queue.recover(300)).toThrow(/got 300/);
  expect(() => MpmcQueue.attach(new ArrayBuffer(4096), { owner: 1 })).toThrow(/does not hold a MpmcQueue/);
  expect(() => MpmcQueue.bytesFor({ recordBytes: 8, capacity: 5 })).toThrow(
    /"capacity" must be a power of two/,
  );
  expect(() => MpmcQueue.bytesFor({ recordBytes: 2 ** 24, capacity: 2 ** 20 })).toThrow(
    /recordBytes × capacity/,
  );
  queue.detach();
  expect(MpmcQueue.attach(memory, { owner: 1 }).owner).toBe(1);
});
