import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** From being issued to being taken; gateways whose clocks are further apart refuse each other. */
export const INTERNAL_TICKET_MS = 15_000;
const TICKET_LENGTH_MAX = 6000;

export interface InternalTicketsOptions {
  /** Secret that all gateways share; or what gives it, and behind it those of before, which are still taken. */
  readonly key: Uint8Array | (() => readonly Uint8Array[]);
  /** Name of this gateway: tickets for others are not taken. */
  readonly gateway: string;
  readonly now?: () => number;
}

/** What a ticket is good for: one request. */
export interface TicketedRequest {
  readonly method: string;
  /** Path and query as they are sent. */
  readonly target: string;
}

interface Payload {
  readonly method: string;
  /** A hash: a ticket is a field of its request, and must fit beside any target. */
  readonly target: string;
  readonly to: string;
  readonly id: string;
  readonly endMs: number;
  readonly claims: object;
}

/**
 * Tickets by which one gateway vouches for a request that it passes on to another: signed with a key of all gateways, for
 * one gateway, one method and target, once, within {@link INTERNAL_TICKET_MS}. What is kept to know which were used is
 * bounded by what the other gateways sign in that time.
 */
export class InternalTickets {
  readonly #keys: () => readonly Uint8Array[];
  readonly #gateway: string;
  readonly #now: () => number;
  readonly #used = new Map<string, number>();

  constructor({ key, gateway, now = Date.now }: InternalTicketsOptions) {
    this.#keys = typeof key === "function" ? key : () => [key];
    this.#gateway = gateway;
    this.#now = now;
  }

  /** @param to the gateway that it is for @param claims what this gateway has found out, as JSON */
  issue(to: string, { method, target }: TicketedRequest, claims: object): string {
    const payload: Payload = {
      to,
      id: randomBytes(16).toString("base64url"),
      endMs: this.#now() + INTERNAL_TICKET_MS,
      method,
      target: hashOf(target),
      claims,
    };
    const text = Buffer.from(JSON.stringify(payload)).toString("base64url");
    return `${text}.${sign(this.#keys()[0]!, text).toString("base64url")}`;
  }

  /** @returns the claims, once; `undefined` when the ticket is not one for this request, or not any more */
  take(ticket: string, { method, target }: TicketedRequest): object | undefined {
    const dot = ticket.indexOf(".");
    if (dot < 0 || ticket.length > TICKET_LENGTH_MAX) return undefined;
    const text = ticket.slice(0, dot);
    const given = Buffer.from(ticket.slice(dot + 1), "base64url");
    if (!this.#keys().some((key) => isSame(given, sign(key, text)))) return undefined;
    const payload = JSON.parse(Buffer.from(text, "base64url").toString()) as Payload;
    const nowMs = this.#now();
    this.#forget(nowMs);
    const fits =
      payload.to === this.#gateway &&
      payload.method === method &&
      payload.target === hashOf(target) &&
      payload.endMs > nowMs &&
      payload.endMs <= nowMs + 2 * INTERNAL_TICKET_MS &&
      !this.#used.has(payload.id);
    if (!fits) return undefined;
    this.#used.set(payload.id, payload.endMs);
    return payload.claims;
  }

  /** In the order of their use, which is nearly that of their ends. */
  #forget(nowMs: number): void {
    for (const [id, endMs] of this.#used) {
      if (endMs > nowMs) return;
      this.#used.delete(id);
    }
  }
}

/** A key of its own: nothing that is signed for another purpose is a ticket. */
function sign(key: Uint8Array, text: string): Buffer {
  const own = createHmac("sha256", key).update("tz-cloudterm internal ticket 1").digest();
  return createHmac("sha256", own).update(text).digest();
}

function isSame(given: Buffer, wanted: Buffer): boolean {
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function hashOf(target: string): string {
  return createHash("sha256").update(target).digest("base64url");
}
