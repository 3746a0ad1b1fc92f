// A thread or process of mpmc-queue.stress.test.ts: writes or reads until it is done or killed.
import { workerData } from "node:worker_threads";
import { MpmcQueue } from "./mpmc-queue.js";
import { MESSAGES_MAX, Tally } from "./mpmc-tally.fixture.js";
import { checkMessage, MESSAGE_WORDS, writeMessage } from "./stamped-message.fixture.js";

interface Role {
  memory?: SharedArrayBuffer;
  byteLength: number;
  owner: number;
  /** −1 for a reader. */
  writer: number;
  messages: number;
  /** Readers end when so many were taken by all. */
  all: number;
}

const role: Role = (workerData as Role | null) ?? JSON.parse(process.argv[2]!);
const bytes = role.memory
  ? new Uint8Array(role.memory)
  : (await import("./process.fixture.js")).inheritedMemory(role.byteLength).bytes;
const tally = new Tally(bytes);
const queue = MpmcQueue.attach(tally.queueMemory, { owner: role.owner });
if (!role.memory) process.stdout.write("ready\n");

const message = new Uint8Array(MESSAGE_WORDS * 4);
const words = new Int32Array(message.buffer);
const endMs = performance.now() + 30_000;
let number = 0;
while (performance.now() < endMs) {
  if (role.writer >= 0) {
    if (number === Math.min(role.messages, MESSAGES_MAX)) {
      if (role.memory) break;
      // A process waits to be killed.
      queue.waitReadable(20);
      continue;
    }
    writeMessage(words, 0, role.writer, number);
    if (queue.push(message)) Atomics.store(tally.pushed, role.writer, ++number);
    else queue.waitWritable(50);
  } else {
    const count = queue.drain((found) => {
      message.set(found);
      checkMessage(words, 0);
      tally.take(words[0]!, words[1]!);
    }, 20);
    if (count > 0) continue;
    if (
      role.memory &&
      tally.pushed.reduce((sum, pushed) => sum + pushed, 0) === role.all &&
      queue.length === 0
    )
      break;
    queue.waitReadable(50);
  }
}
queue.detach();
