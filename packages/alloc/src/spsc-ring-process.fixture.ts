// One side of spsc-ring.stress.test.ts; it works until it is killed.
import { inheritedMemory } from "./process.fixture.js";
import { SpscRing } from "./spsc-ring.js";
import { checkMessage, MESSAGE_WORDS, writeMessage } from "./stamped-message.fixture.js";

const { byteLength, side, writer } = JSON.parse(process.argv[2]!) as {
  byteLength: number;
  side: "writer" | "reader";
  writer: number;
};
const { bytes } = inheritedMemory(byteLength);
// The last line of the memory is for what was read: the number expected next.
const ring = SpscRing.attach(bytes.subarray(0, byteLength - 64));
const expected = new Int32Array(bytes.buffer, bytes.byteOffset + byteLength - 64, 1);
const ringWords = new Int32Array(ring.bytes.buffer, ring.bytes.byteOffset, ring.bytes.length >>> 2);
process.stdout.write("ready\n");
// The parent kills it long before; if the parent is gone, it ends by itself.
const endMs = performance.now() + 30_000;
for (let number = 0; performance.now() < endMs; ) {
  if (side === "writer") {
    for (let i = 0; i < 500; i++) {
      const at = ring.reserve(MESSAGE_WORDS * 4);
      if (at < 0) break;
      writeMessage(ringWords, at >> 2, writer, number++);
      ring.commit();
      if (i % 5 === 0) ring.publish();
    }
    ring.publish();
    ring.waitWritable(50, MESSAGE_WORDS * 4);
  } else {
    ring.drain((_all, at) => {
      checkMessage(ringWords, at >> 2);
      const found = ringWords[(at >> 2) + 1]!;
      const next = Atomics.load(expected, 0);
      // What a killed reader had not released comes again; nothing is left out.
      if (found > next) throw new Error(`message ${next} is lost: ${found} came`);
      if (found === next) Atomics.store(expected, 0, next + 1);
    }, 50);
    ring.waitReadable(50);
  }
}
