import { CloudtermError } from "../errors.js";
import { keyOf } from "../sessions/session-id.js";
import { isTicket, newTicket, type TicketStore } from "./ticket-store.js";

interface Entry {
  readonly value: string;
  readonly endMs: number;
}

const SWEEP_EVERY = 256;

/** Tickets of one process. */
export class MemoryTickets implements TicketStore {
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => number;
  readonly #maxEntries: number;
  #sinceSweep = 0;

  constructor({ now = Date.now, maxEntries = 100_000 }: { now?: () => number; maxEntries?: number } = {}) {
    this.#now = now;
    this.#maxEntries = maxEntries;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** @throws CloudtermError `TZ_CLOUDTERM_BUSY` when too many are out */
  async put(purpose: string, value: string, ttlMs: number): Promise<string> {
    const ticket = newTicket();
    this.#add(`${purpose}:${keyOf(ticket)}`, value, ttlMs);
    return ticket;
  }

  async take(purpose: string, ticket: string): Promise<string | undefined> {
    if (!isTicket(ticket)) return undefined;
    const key = `${purpose}:${keyOf(ticket)}`;
    const entry = this.#entries.get(key);
    this.#entries.delete(key);
    return entry !== undefined && entry.endMs > this.#now() ? entry.value : undefined;
  }

  async claim(name: string, ttlMs: number): Promise<boolean> {
    const key = `claim:${name}`;
    const entry = this.#entries.get(key);
    if (entry !== undefined && entry.endMs > this.#now()) return false;
    this.#add(key, "", ttlMs);
    return true;
  }

  #add(key: string, value: string, ttlMs: number): void {
    const nowMs = this.#now();
    // Amortized O(1): each entry is looked at once in as many additions as there are entries.
    if (
      ++this.#sinceSweep >= Math.max(SWEEP_EVERY, this.#entries.size) ||
      this.#entries.size >= this.#maxEntries
    ) {
      this.#sinceSweep = 0;
      for (const [each, { endMs }] of this.#entries) if (endMs <= nowMs) this.#entries.delete(each);
    }
    if (this.#entries.size >= this.#maxEntries) {
      throw new CloudtermError("TZ_CLOUDTERM_BUSY", "too many tickets are out", { retryAfterMs: 30_000 });
    }
    this.#entries.set(key, { value, endMs: nowMs + ttlMs });
  }
}
