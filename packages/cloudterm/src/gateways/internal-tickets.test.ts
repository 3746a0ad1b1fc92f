import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { INTERNAL_TICKET_MS, InternalTickets } from "./internal-tickets.js";

const key = randomBytes(32);
const request = { method: "GET", target: "/api/terminals/x/socket?access=read" };
const claims = { user: "ada" };

function pair(now: () => number = Date.now) {
  return {
    a: new InternalTickets({ key, gateway: "a", now }),
    b: new InternalTickets({ key, gateway: "b", now }),
  };
}

test("a ticket tells the other gateway what was found out, once", () => {
  const { a, b } = pair();
  const ticket = b.issue("a", request, claims);
  expect(a.take(ticket, request)).toEqual(claims);
  expect(a.take(ticket, request)).toBeUndefined();
});

test("it is for one gateway, one method, one target, and of the common key", () => {
  const { a, b } = pair();
  const ticket = b.issue("a", request, claims);
  expect(b.take(ticket, request)).toBeUndefined();
  expect(a.take(ticket, { ...request, method: "DELETE" })).toBeUndefined();
  expect(a.take(ticket, { ...request, target: "/api/terminals/y/socket?access=read" })).toBeUndefined();
  const stranger = new InternalTickets({ key: randomBytes(32), gateway: "b" });
  expect(a.take(stranger.issue("a", request, claims), request)).toBeUndefined();
  // None of the failures has used it up.
  expect(a.take(ticket, request)).toEqual(claims);
});

test("what was changed, cut or made up is none", () => {
  const { a, b } = pair();
  const ticket = b.issue("a", request, claims);
  const [text = "", signature = ""] = ticket.split(".");
  const forged = Buffer.from(Buffer.from(text, "base64url").toString().replace("ada", "eve")).toString(
    "base64url",
  );
  for (const bad of [
    "",
    ".",
    text,
    `${text}.`,
    `${text}.${signature.slice(2)}`,
    `${forged}.${signature}`,
    `.${signature}`,
    "x".repeat(100_000),
  ])
    expect(a.take(bad, request)).toBeUndefined();
});

test("it is over soon, and a clock that is far ahead issues nothing that lasts", () => {
  let nowMs = 1_000_000;
  const { a, b } = pair(() => nowMs);
  const ticket = b.issue("a", request, claims);
  nowMs += INTERNAL_TICKET_MS;
  expect(a.take(ticket, request)).toBeUndefined();
  const ahead = new InternalTickets({ key, gateway: "b", now: () => nowMs + 3_600_000 });
  expect(a.take(ahead.issue("a", request, claims), request)).toBeUndefined();
});

test("a long target does not make a long ticket", () => {
  const { a, b } = pair();
  const long = { method: "GET", target: `/api/terminals/x/files?path=${"%C3%A9".repeat(2000)}` };
  const ticket = b.issue("a", long, claims);
  expect(ticket.length).toBeLessThan(1000);
  expect(a.take(ticket, { ...long, target: `${long.target}x` })).toBeUndefined();
  expect(a.take(ticket, long)).toEqual(claims);
});
