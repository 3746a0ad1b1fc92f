import { expect, test } from "vitest";
import { startThread } from "./thread.fixture.js";
import { WaitEvent } from "./wait-event.js";

function makeEvent(shared: boolean) {
  const words = new Int32Array(shared ? new SharedArrayBuffer(16) : new ArrayBuffer(16));
  return { words, event: new WaitEvent(words, 0, {}) };
}

test("who does not wait is not counted", () => {
  const { words, event } = makeEvent(true);
  event.notify();
  expect([...words]).toEqual([0, 0, 0, 0]);
});

test("one wake for all who wait; whoever still waits says so again", () => {
  const { words, event } = makeEvent(true);
  expect(event.wait(() => false, 1)).toBe(false);
  expect(words[0]).toBe(1);
  event.notify();
  event.notify();
  expect([words[0], words[1]]).toEqual([0, 1]);
});

test.each([true, false])(
  "a change whose notifier died before it notified is seen all the same (shared: %s)",
  async (shared) => {
    const { event } = makeEvent(shared);
    let ready = false;
    const waiting = event.waitAsync(() => ready, 20_000);
    // No notify: the next look comes by itself.
    setTimeout(() => {
      ready = true;
    }, 5);
    expect(await waiting).toBe(true);
  },
);

test("a thread that blocks is woken by another", async () => {
  const memory = new SharedArrayBuffer(16);
  const words = new Int32Array(memory);
  const thread = startThread(new URL("./wait-event-thread.fixture.ts", import.meta.url), { memory });
  const answer = new Promise((resolve) => thread.once("message", resolve));
  // Its flag is up: it is about to sleep, or sleeps.
  while (Atomics.load(words, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  Atomics.store(words, 2, 1);
  new WaitEvent(words, 0, {}).notify();
  expect(await answer).toBe(true);
  await thread.terminate();
});

test("the look at the end of the time counts", () => {
  const { event } = makeEvent(false);
  let looks = 0;
  expect(event.wait(() => ++looks >= 2, 0)).toBe(true);
});
