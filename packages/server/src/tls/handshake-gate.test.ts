import { expect, test } from "vitest";
import { HandshakeGate } from "./handshake-gate.js";

test("a second's worth at once, then one an interval, and refusal of a wait that is too long", () => {
  const gate = new HandshakeGate(10, 250);
  for (let i = 0; i < 10; i++) expect(gate.enter(5000)).toBe(0);
  expect([gate.enter(5000), gate.enter(5000)].map(Math.round)).toEqual([100, 200]);
  expect(gate.enter(5000)).toBe(-1);
  // A refusal takes no place.
  expect(gate.enter(5000)).toBe(-1);
  expect(Math.round(gate.enter(5100))).toBe(200);
  expect(gate.enter(9000)).toBe(0);
});

test("0 is no limit", () => {
  const gate = new HandshakeGate(0, 0);
  for (let i = 0; i < 1000; i++) expect(gate.enter(1)).toBe(0);
});
