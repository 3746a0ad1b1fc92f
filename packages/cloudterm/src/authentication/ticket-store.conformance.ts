import { describe, expect, test } from "vitest";
import type { TicketStore } from "./ticket-store.js";

/** What every {@link TicketStore} must do. `pass` lets time go by. */
export function ticketStoreConformance(
  name: string,
  make: () => Promise<{ store: TicketStore; other: TicketStore; pass(ms: number): Promise<void> }>,
  skip = false,
): void {
  describe.skipIf(skip)(name, () => {
    test("a ticket is good once, for its purpose, at every gateway", async () => {
      const { store, other } = await make();
      const ticket = await store.put("login", "ada", 60_000);
      expect(ticket).toMatch(/^[A-Za-z0-9_-]{43}$/);
      expect(await other.take("setup", ticket)).toBeUndefined();
      const again = await store.put("login", "ada", 60_000);
      const taken = await Promise.all([other.take("login", again), store.take("login", again)]);
      expect(taken.filter((value) => value === "ada").length).toBe(1);
      expect(await store.take("login", again)).toBeUndefined();
      for (const bad of ["", "x", "*", `${again}x`]) expect(await store.take("login", bad)).toBeUndefined();
    });

    test("a ticket that is over is none", async () => {
      const { store, pass } = await make();
      const ticket = await store.put("login", "ada", 50);
      await pass(60);
      expect(await store.take("login", ticket)).toBeUndefined();
    });

    test("a name is taken once in a while", async () => {
      const { store, other, pass } = await make();
      expect(await store.claim("a", 60_000)).toBe(true);
      expect(await other.claim("a", 60_000)).toBe(false);
      expect(await store.claim("b", 50)).toBe(true);
      await pass(60);
      expect(await store.claim("b", 60_000)).toBe(true);
    });
  });
}
