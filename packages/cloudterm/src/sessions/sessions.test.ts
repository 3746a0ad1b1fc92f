import { expect, onTestFinished, test } from "vitest";
import { MemorySessionStore } from "./memory-store.js";
import { Sessions } from "./sessions.js";

function make() {
  let nowMs = Date.now();
  const store = new MemorySessionStore({ now: () => nowMs });
  onTestFinished(() => store.close());
  const sessions = new Sessions(store, { idleMs: 60_000, maxMs: 300_000, now: () => nowMs });
  return { sessions, pass: (ms: number) => (nowMs += ms) };
}
const login = { user: "ada", address: "192.0.2.1", agent: "x".repeat(1000) };

test("a session is found by its secret alone", async () => {
  const { sessions } = make();
  const session = await sessions.create(login);
  expect(session.secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(session.record.agent.length).toBe(200);
  expect(await sessions.find(session.secret)).toEqual(session);
  for (const wrong of [
    undefined,
    "",
    session.key,
    session.record.id,
    `${session.secret}A`,
    session.csrfToken,
  ]) {
    expect(await sessions.find(wrong)).toBeUndefined();
  }
});

test("a session that is used stays until its total time is over", async () => {
  const { sessions, pass } = make();
  const { secret } = await sessions.create(login);
  for (let i = 0; i < 9; i++) {
    pass(32_000);
    expect(await sessions.find(secret)).toBeDefined();
  }
  pass(32_000);
  expect(await sessions.find(secret)).toBeUndefined();
});

test("a session that is not used ends", async () => {
  const { sessions, pass } = make();
  const { secret } = await sessions.create(login);
  pass(61_000);
  expect(await sessions.find(secret)).toBeUndefined();
});

test("rotation voids the old secret, and lets the login last no longer", async () => {
  const { sessions, pass } = make();
  const before = await sessions.create(login);
  pass(1000);
  const after = await sessions.rotate(before);
  expect(after.record.endMs).toBe(before.record.endMs);
  expect(after.record.createdMs).toBe(before.record.createdMs);
  expect(after.record.id).not.toBe(before.record.id);
  expect(await sessions.find(before.secret)).toBeUndefined();
  expect((await sessions.find(after.secret))?.record.user).toBe("ada");
  expect(after.csrfToken).not.toBe(before.csrfToken);
});

test("rotation does not bring back a login that was revoked, and makes no second one of it", async () => {
  const { sessions } = make();
  const revoked = await sessions.create(login);
  await sessions.revoke([revoked]);
  await expect(sessions.rotate(revoked)).rejects.toMatchObject({ code: "TZ_CLOUDTERM_SESSION" });
  const twice = await sessions.create(login);
  const results = await Promise.allSettled([sessions.rotate(twice), sessions.rotate(twice)]);
  expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  expect((await sessions.list("ada")).length).toBe(1);
});

test("sessions are revoked one by one and all together, but only of their user", async () => {
  const { sessions } = make();
  const mine = [await sessions.create(login), await sessions.create(login), await sessions.create(login)];
  const other = await sessions.create({ ...login, user: "bob" });
  expect(await sessions.revokeById("bob", mine[0]!.record.id)).toBe(false);
  expect(await sessions.revokeById("ada", mine[0]!.record.id)).toBe(true);
  expect((await sessions.list("ada")).length).toBe(2);
  expect(await sessions.revokeAll("ada")).toBe(2);
  expect(await sessions.find(mine[1]!.secret)).toBeUndefined();
  expect(await sessions.find(other.secret)).toBeDefined();
});
