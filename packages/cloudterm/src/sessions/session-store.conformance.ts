import { describe, expect, test } from "vitest";
import type { SessionRecord, SessionStore } from "./session-store.js";

const HOUR = 3_600_000;

export interface StoreUnderTest {
  /** The store, and a second view of the same sessions where there is one (another gateway). */
  make(): Promise<{ store: SessionStore; other?: SessionStore }>;
}

export function record(user: string, id: string, change: Partial<SessionRecord> = {}): SessionRecord {
  const nowMs = Date.now();
  return {
    id,
    user,
    createdMs: nowMs,
    lastSeenMs: nowMs,
    endMs: nowMs + 10 * HOUR,
    idleMs: HOUR,
    address: "192.0.2.1",
    agent: "a browser",
    ...change,
  };
}

/** What every {@link SessionStore} must do. */
export function sessionStoreConformance(name: string, { make }: StoreUnderTest, skip = false): void {
  describe.skipIf(skip)(name, () => {
    test("gives back what was added, and nothing under another key", async () => {
      const { store } = await make();
      const ada = record("ada", "a");
      await store.add("key-a", ada);
      expect(await store.get("key-a", Date.now())).toEqual(ada);
      expect(await store.get("key-b", Date.now())).toBeUndefined();
      expect(await store.get("a", Date.now())).toBeUndefined();
    });

    test("ends sessions by idle time and by total time", async () => {
      const { store } = await make();
      const nowMs = Date.now();
      await store.add("idle", record("ada", "1"));
      await store.add("total", record("ada", "2", { idleMs: 20 * HOUR }));
      expect(await store.get("idle", nowMs + HOUR + 1000)).toBeUndefined();
      expect(await store.get("total", nowMs + 2 * HOUR)).toBeDefined();
      expect(await store.get("total", nowMs + 11 * HOUR)).toBeUndefined();
      expect((await store.ofUser("ada", nowMs + 2 * HOUR)).map(({ key }) => key)).toEqual(["total"]);
    });

    test("being heard of moves the idle end, and brings nothing back", async () => {
      const { store } = await make();
      const ada = record("ada", "a");
      await store.add("key", ada);
      await store.touch("key", { ...ada, lastSeenMs: ada.lastSeenMs + HOUR / 2 });
      expect(await store.get("key", ada.createdMs + 1.2 * HOUR)).toBeDefined();
      await store.remove([{ key: "key", record: ada }]);
      await store.touch("key", ada);
      expect(await store.get("key", Date.now())).toBeUndefined();
    });

    test("replaces a session once, and brings none back that was removed", async () => {
      const { store, other } = await make();
      const ada = { key: "key", record: record("ada", "a") };
      const next = (id: string) => ({ key: `key-${id}`, record: record("ada", id) });
      await store.add(ada.key, ada.record);
      const told = new Promise<readonly string[]>((resolve) => (other ?? store).onRemoved(resolve));
      // Two at once: the login does not become two.
      const both = await Promise.all([
        store.replace(ada, next("b"), Date.now()),
        (other ?? store).replace(ada, next("c"), Date.now()),
      ]);
      expect([...both].sort()).toEqual([false, true]);
      expect(await told).toEqual(["a"]);
      expect(await store.get("key", Date.now())).toBeUndefined();
      const left = await store.ofUser("ada", Date.now());
      expect(left.map(({ key }) => key)).toEqual([both[0] ? "key-b" : "key-c"]);
      expect(await store.get(left[0]!.key, Date.now())).toEqual(left[0]!.record);
      await store.remove(left);
      expect(await store.replace(left[0]!, next("d"), Date.now())).toBe(false);
      expect(await store.ofUser("ada", Date.now())).toEqual([]);
      expect(await store.get("key-d", Date.now())).toBeUndefined();
    });

    test("a renewal that races with the end of all sessions of its user does not outlive it", async () => {
      const { store, other } = await make();
      for (let round = 0; round < 20; round++) {
        const ada = { key: `key-${round}`, record: record("ada", `a${round}`) };
        const next = { key: `next-${round}`, record: record("ada", `b${round}`) };
        await store.add(ada.key, ada.record);
        const all = () => (other ?? store).removeOfUser("ada");
        const renew = () => store.replace(ada, next, Date.now());
        const [removed] =
          round % 2 === 0
            ? await Promise.all([all(), renew()])
            : (await Promise.all([renew(), all()])).reverse();
        expect(removed).toBe(1);
        // Before it or after it: either way nothing is left that the end came too late for.
        expect(await store.ofUser("ada", Date.now())).toEqual([]);
        expect(await store.get(next.key, Date.now())).toBeUndefined();
      }
      await store.add("bob", record("bob", "b"));
      expect(await store.removeOfUser("ada")).toBe(0);
      const bob = await store.ofUser("bob", Date.now());
      expect(await store.remove(bob)).toBe(1);
      expect(await store.remove(bob)).toBe(0);
    });

    test("lists the sessions of a user, the newest first, and removes some of them", async () => {
      const { store } = await make();
      const nowMs = Date.now();
      for (let i = 0; i < 5; i++) {
        await store.add(`ada-${i}`, record("ada", `a${i}`, { createdMs: nowMs + i }));
      }
      await store.add("bob", record("bob", "b"));
      const listed = await store.ofUser("ada", nowMs);
      expect(listed.map(({ record: { id } }) => id)).toEqual(["a4", "a3", "a2", "a1", "a0"]);
      await store.remove(listed.slice(0, 3));
      expect((await store.ofUser("ada", nowMs)).map(({ key }) => key)).toEqual(["ada-1", "ada-0"]);
      expect((await store.all(nowMs, 100)).map(({ key }) => key).sort()).toEqual(["ada-0", "ada-1", "bob"]);
      expect((await store.all(nowMs, 2)).length).toBe(2);
      expect(await store.ofUser("nobody", nowMs)).toEqual([]);
    });

    test("tells every gateway what was removed, once", async () => {
      const { store, other } = await make();
      const told: string[][] = [];
      const both = new Promise<void>((resolve) => {
        const note = (ids: readonly string[]) => {
          told.push([...ids].sort());
          if (told.length === (other ? 2 : 1)) resolve();
        };
        store.onRemoved(note);
        other?.onRemoved(note);
      });
      const [ada, bob] = [record("ada", "a"), record("ada", "b")];
      await store.add("key-a", ada);
      await store.add("key-b", bob);
      const sessions = [
        { key: "key-a", record: ada },
        { key: "key-b", record: bob },
      ];
      await (other ?? store).remove(sessions);
      await both;
      await store.remove(sessions);
      expect(told).toEqual(
        other
          ? [
              ["a", "b"],
              ["a", "b"],
            ]
          : [["a", "b"]],
      );
    });

    test("keeps names apart that hold special characters", async () => {
      const { store } = await make();
      const names = ["__proto__", "a:b", "a", "*", "ünï ☃"];
      for (const [i, name] of names.entries()) await store.add(`key-${i}`, record(name, `${i}`));
      for (const [i, name] of names.entries()) {
        expect((await store.ofUser(name, Date.now())).map(({ key }) => key)).toEqual([`key-${i}`]);
      }
    });
  });
}
