import { expect, test } from "vitest";
import { readPeerAnswer } from "./peer-answer.js";

test("no more of another gateway's answer is read than may be", async () => {
  let given = 0;
  let cancelled = false;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      given += 1024;
      controller.enqueue(new Uint8Array(1024).fill(0x20));
    },
    cancel() {
      cancelled = true;
    },
  });
  await expect(readPeerAnswer(new Response(endless), 10_000)).rejects.toThrow("more than 10000 bytes");
  expect(given).toBeLessThan(20_000);
  expect(cancelled).toBe(true);
});

test.each(["[]", "null", "1", "", "{", '"text"'])("an answer of %j is none", async (text) => {
  await expect(readPeerAnswer(new Response(text), 100)).rejects.toThrow();
});

test("an object is one, in whatever pieces it comes", async () => {
  const bytes = Buffer.from('{"a":"ü"}');
  const pieces = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  expect(await readPeerAnswer(new Response(pieces), 100)).toEqual({ a: "ü" });
});
