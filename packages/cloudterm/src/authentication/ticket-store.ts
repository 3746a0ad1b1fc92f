import { randomBytes } from "node:crypto";

/**
 * Values that are handed out once and come back once: a login that waits for its second factor, the challenge of a
 * passkey, the state of a single sign-on, the right to open one WebSocket. And names that may be taken once in a while.
 */
export interface TicketStore {
  /** @returns a ticket of 256 random bits, for one {@link take} within `ttlMs` */
  put(purpose: string, value: string, ttlMs: number): Promise<string>;
  /** The value, for the first who asks; `undefined` for all others, for another purpose, and when the time is over. */
  take(purpose: string, ticket: string): Promise<string | undefined>;
  /** Takes a name for a time. @returns whether it was free */
  claim(name: string, ttlMs: number): Promise<boolean>;
}

export function newTicket(): string {
  return randomBytes(32).toString("base64url");
}

export function isTicket(value: unknown): value is string {
  return typeof value === "string" && /^[A-Za-z0-9_-]{43}$/.test(value);
}
