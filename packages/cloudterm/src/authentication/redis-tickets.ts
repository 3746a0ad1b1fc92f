import type { Redis } from "ioredis";
import { redisAnswer } from "../redis-answer.js";
import { keyOf } from "../sessions/session-id.js";
import { isTicket, newTicket, type TicketStore } from "./ticket-store.js";

/** Tickets of all gateways with the same prefix. */
export class RedisTickets implements TicketStore {
  readonly #redis: Redis;
  readonly #prefix: string;

  constructor(redis: Redis, { prefix = "tz:cloudterm:" }: { prefix?: string } = {}) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  async put(purpose: string, value: string, ttlMs: number): Promise<string> {
    const ticket = newTicket();
    await redisAnswer(this.#redis.set(this.#key(purpose, ticket), value, "PX", ttlMs));
    return ticket;
  }

  async take(purpose: string, ticket: string): Promise<string | undefined> {
    if (!isTicket(ticket)) return undefined;
    return (await redisAnswer(this.#redis.getdel(this.#key(purpose, ticket)))) ?? undefined;
  }

  async claim(name: string, ttlMs: number): Promise<boolean> {
    const asked = this.#redis.set(`${this.#prefix}claim:${name}`, "", "PX", ttlMs, "NX");
    return (await redisAnswer(asked)) === "OK";
  }

  #key(purpose: string, ticket: string): string {
    return `${this.#prefix}ticket:${purpose}:${keyOf(ticket)}`;
  }
}
