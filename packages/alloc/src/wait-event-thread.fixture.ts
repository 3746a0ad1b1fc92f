// The thread of wait-event.test.ts: waits until word 2 is set.
import { parentPort, workerData } from "node:worker_threads";
import { WaitEvent } from "./wait-event.js";

const words = new Int32Array((workerData as { memory: SharedArrayBuffer }).memory);
const event = new WaitEvent(words, 0, {});
parentPort?.postMessage(event.wait(() => Atomics.load(words, 2) === 1, 20_000));
