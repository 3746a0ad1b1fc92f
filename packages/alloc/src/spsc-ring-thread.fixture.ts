// The writing thread of spsc-ring.stress.test.ts.
import { workerData } from "node:worker_threads";
import { SpscRing } from "./spsc-ring.js";
import { MESSAGE_WORDS, writeMessage } from "./stamped-message.fixture.js";

const { memory, messages, way } = workerData as {
  memory: SharedArrayBuffer;
  messages: number;
  way: "place" | "push" | "batch";
};
const ring = SpscRing.attach(memory);
const bytes = MESSAGE_WORDS * 4;
const wait = () => {
  if (!ring.waitWritable(20_000, bytes)) throw new Error("nobody reads");
};
const buffer = new Uint8Array(bytes * 10);
const bufferWords = new Int32Array(buffer.buffer);
const ringWords = new Int32Array(ring.bytes.buffer, ring.bytes.byteOffset, ring.bytes.length >>> 2);
for (let number = 0; number < messages; ) {
  if (way === "place") {
    const at = ring.reserve(bytes);
    if (at < 0) {
      ring.publish();
      wait();
      continue;
    }
    writeMessage(ringWords, at >> 2, 1, number++);
    ring.commit();
    if (number % 7 === 0 || number === messages) ring.publish();
  } else if (way === "push") {
    writeMessage(bufferWords, 0, 1, number);
    if (ring.push(buffer.subarray(0, bytes))) number++;
    else wait();
  } else {
    const count = Math.min(10, messages - number);
    for (let i = 0; i < count; i++) writeMessage(bufferWords, i * MESSAGE_WORDS, 1, number + i);
    const pushed = ring.pushBatch(buffer.subarray(0, count * bytes));
    number += pushed;
    if (pushed === 0) wait();
  }
}
