import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { MpmcQueue } from "./mpmc-queue.js";
import { MESSAGES_MAX, QUEUE_LAYOUT, Tally, WRITERS_MAX } from "./mpmc-tally.fixture.js";
import {
  canShareBetweenProcesses,
  exited,
  makeProcessMemory,
  started,
  startProcess,
} from "./process.fixture.js";
import { checkMessage, MESSAGE_WORDS } from "./stamped-message.fixture.js";
import { ended, startThread } from "./thread.fixture.js";

const file = new URL("./mpmc-queue-worker.fixture.ts", import.meta.url);

test("two threads write, two read: each message comes once and whole", async () => {
  const memory = new SharedArrayBuffer(Tally.byteLength);
  const tally = new Tally(new Uint8Array(memory));
  MpmcQueue.create(tally.queueMemory, QUEUE_LAYOUT);
  const messages = 50_000;
  const role = { memory, byteLength: Tally.byteLength, messages, all: 2 * messages };
  const threads = [0, 1, -1, -1].map((writer, i) => startThread(file, { ...role, owner: i + 1, writer }));
  await Promise.all(threads.map(ended));
  for (const writer of [0, 1]) {
    for (let number = 0; number < messages; number++) {
      if (tally.takenTimes(writer, number) !== 1)
        throw new Error(`message ${number} of ${writer} was taken ${tally.takenTimes(writer, number)} times`);
    }
  }
}, 240_000);

test.skipIf(!canShareBetweenProcesses)(
  "processes are killed at any instruction: no message is torn, none whose push returned is lost, none comes twice unless its reader died",
  async () => {
    const memory = makeProcessMemory(Tally.byteLength);
    const tally = new Tally(memory.region.bytes);
    MpmcQueue.create(tally.queueMemory, QUEUE_LAYOUT);
    const supervisor = MpmcQueue.attach(tally.queueMemory, { owner: 200 });
    const copy = new Uint8Array(MESSAGE_WORDS * 4);
    const words = new Int32Array(copy.buffer);
    let writers = 0;
    /** Messages whose reader died: it may have counted them or not. */
    const orphans = new Set<string>();
    const start = async (owner: number) => {
      // Odd owners write, each as a writer of its own; even ones read.
      const writer = owner % 2 === 1 ? writers++ : -1;
      const role = {
        byteLength: Tally.byteLength,
        owner,
        writer,
        messages: Number.MAX_SAFE_INTEGER,
        all: -1,
      };
      const process = startProcess(file, memory, role);
      const end = exited(process);
      await started(process);
      return { owner, process, end };
    };
    let workers = await Promise.all([1, 2, 3, 4].map(start));
    for (let round = 0; round < 3; round++) {
      workers = await Promise.all(
        workers.map(async (worker, i) => {
          await sleep(20 + 11 * i + 9 * round);
          worker.process.kill("SIGKILL");
          expect(await worker.end).toBe("SIGKILL");
          supervisor.recover(worker.owner, (orphan) => {
            copy.set(orphan);
            checkMessage(words, 0);
            orphans.add(`${words[0]}/${words[1]}`);
            tally.take(words[0]!, words[1]!);
          });
          return round === 2 ? worker : start(worker.owner);
        }),
      );
    }
    supervisor.drain((found) => {
      copy.set(found);
      checkMessage(words, 0);
      tally.take(words[0]!, words[1]!);
    });
    expect(supervisor.length).toBe(0);
    expect(writers).toBeLessThanOrEqual(WRITERS_MAX);
    let total = 0;
    for (let writer = 0; writer < writers; writer++) {
      const pushed = tally.pushed[writer]!;
      total += pushed;
      for (let number = 0; number < pushed; number++) {
        const times = tally.takenTimes(writer, number);
        const twice = orphans.has(`${writer}/${number}`) && times === 2;
        if (times !== 1 && !twice)
          throw new Error(`message ${number} of writer ${writer} was taken ${times} times`);
      }
      // One more may have been complete when its writer was killed before it counted it.
      if (pushed + 1 < MESSAGES_MAX) expect(tally.takenTimes(writer, pushed + 1)).toBe(0);
    }
    expect(total).toBeGreaterThan(0);
    memory.release();
  },
  240_000,
);
