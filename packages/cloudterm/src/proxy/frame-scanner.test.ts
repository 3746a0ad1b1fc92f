import { expect, test } from "vitest";
import { FrameScanner } from "./frame-scanner.js";

const RULES = { compressed: false, maxMessageBytes: 1000, maxFragments: 10 };

test.each([
  ["an upstream's", false, Buffer.of(0x82, 3, 65, 66, 67)],
  ["a client's", true, Buffer.of(0x82, 0x83, 1, 1, 1, 1, 64, 67, 66)],
])("payload that somebody keeps is not overwritten by the next read: %s", (_name, masked, frame) => {
  const kept: Uint8Array[] = [];
  const scanner = new FrameScanner(
    { ...RULES, masked },
    {
      onControl() {},
      onBroken: (_code, reason) => expect.fail(reason),
      onPass() {},
      onPayload: (_opcode, payload) => void kept.push(payload),
    },
  );
  scanner.scan(frame, 0, frame.length);
  // The memory that all connections of a thread are read into.
  frame.fill(0xff);
  expect(kept.map((payload) => Buffer.from(payload).toString())).toEqual(["ABC"]);
});
