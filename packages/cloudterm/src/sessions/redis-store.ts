import type { Redis } from "ioredis";
import { redisAnswer } from "../redis-answer.js";
import { RedisPulse } from "../redis-pulse.js";
import { expiryOf, type SessionRecord, type SessionStore, type StoredSession } from "./session-store.js";

export interface RedisStoreOptions {
  /** In front of every key and channel; gateways that share sessions share it. Default `"tz:cloudterm:"`. */
  readonly prefix?: string;
}

/**
 * Removes sessions and tells everybody, in one step.
 * KEYS: session keys. ARGV: channel, then for each key its user's set and its member.
 */
const REMOVE = `
local gone = {}
for i, key in ipairs(KEYS) do
  local value = redis.call('GET', key)
  if value then
    redis.call('DEL', key)
    redis.call('SREM', ARGV[i * 2], ARGV[i * 2 + 1])
    gone[#gone + 1] = cjson.decode(value).id
  end
end
if #gone > 0 then redis.call('PUBLISH', ARGV[1], cjson.encode(gone)) end
return #gone`;

/**
 * The same with all sessions of a user. KEYS: set of the user. ARGV: channel, what stands in front of a session's key.
 */
const REMOVE_OF_USER = `
local gone = {}
for _, member in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local value = redis.call('GET', ARGV[2] .. member)
  if value then
    redis.call('DEL', ARGV[2] .. member)
    gone[#gone + 1] = cjson.decode(value).id
  end
end
redis.call('DEL', KEYS[1])
if #gone > 0 then redis.call('PUBLISH', ARGV[1], cjson.encode(gone)) end
return #gone`;

/**
 * Puts a session in the place of another of the same user, if that is there, and tells everybody.
 * KEYS: session key, new session key, set of the user. ARGV: channel, member, new member, record, ms of the session, ms of the set.
 */
const REPLACE = `
local value = redis.call('GET', KEYS[1])
if not value then return 0 end
redis.call('DEL', KEYS[1])
redis.call('SREM', KEYS[3], ARGV[2])
redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[5])
redis.call('SADD', KEYS[3], ARGV[3])
redis.call('PEXPIRE', KEYS[3], ARGV[6], 'NX')
redis.call('PEXPIRE', KEYS[3], ARGV[6], 'GT')
redis.call('PUBLISH', ARGV[1], cjson.encode({cjson.decode(value).id}))
return 1`;

/**
 * Sessions in Redis or Valkey, shared by all gateways with the same prefix. Expiry is the server's (`PX`), removal is
 * told to all gateways on a channel. Keys of one user are not of one slot: it needs a server, not a cluster.
 *
 * `close()` ends the subscription only; the client belongs to the caller.
 */
export class RedisSessionStore implements SessionStore {
  readonly #redis: Redis;
  readonly #subscriber: Redis;
  readonly #pulse: RedisPulse;
  readonly #prefix: string;
  readonly #listeners: ((ids: readonly string[]) => void)[] = [];
  readonly #gapListeners: (() => void)[] = [];
  /** The latest attempt: a first one that failed does not stand in the way for ever. */
  #subscribed: Promise<unknown>;

  constructor(redis: Redis, { prefix = "tz:cloudterm:" }: RedisStoreOptions = {}) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#subscriber = redis.duplicate();
    // The client reconnects by itself and says so; its errors are reported by the one that the caller made.
    this.#subscriber.on("error", () => {});
    this.#subscriber.on("message", (_channel, message) => {
      const ids = JSON.parse(message) as string[];
      for (const listener of this.#listeners) listener(ids);
    });
    this.#subscribed = this.#subscribe();
    // A subscription whose server is gone without a word looks like one that nobody tells anything.
    this.#pulse = new RedisPulse(this.#subscriber);
    this.#subscriber.on("ready", () => void this.#listensAgain());
  }

  #subscribe(): Promise<unknown> {
    const subscribed = this.#subscriber.subscribe(`${this.#prefix}removed`);
    subscribed.catch(() => {});
    return subscribed;
  }

  /** What was told while nobody listened is not told again. */
  async #listensAgain(): Promise<void> {
    this.#subscribed = this.#subscribe();
    try {
      await this.#subscribed;
    } catch {
      // Away again: there will be another time.
      return;
    }
    for (const listener of this.#gapListeners) listener();
  }

  #session(key: string): string {
    return `${this.#prefix}session:${key}`;
  }

  #user(user: string): string {
    return `${this.#prefix}user:${user}`;
  }

  async add(key: string, record: SessionRecord): Promise<void> {
    // A gateway that has logged somebody in must hear of the logout.
    await redisAnswer(this.#subscribed);
    const ttlMs = expiryOf(record) - Date.now();
    if (ttlMs <= 0) return;
    const added = this.#redis
      .multi()
      .set(this.#session(key), JSON.stringify(record), "PX", ttlMs)
      .sadd(this.#user(record.user), key)
      // The set lives as long as the session that ends last.
      .pexpire(this.#user(record.user), record.endMs - Date.now(), "NX")
      .pexpire(this.#user(record.user), record.endMs - Date.now(), "GT")
      .exec();
    for (const [error] of (await redisAnswer(added)) ?? [])
      if (error) await redisAnswer(Promise.reject(error));
  }

  async get(key: string, nowMs: number): Promise<SessionRecord | undefined> {
    const value = await redisAnswer(this.#redis.get(this.#session(key)));
    if (value === null) return undefined;
    const record = JSON.parse(value) as SessionRecord;
    return expiryOf(record) > nowMs ? record : undefined;
  }

  async touch(key: string, record: SessionRecord): Promise<void> {
    const ttlMs = expiryOf(record) - Date.now();
    if (ttlMs <= 0) return;
    await redisAnswer(this.#redis.set(this.#session(key), JSON.stringify(record), "PX", ttlMs, "XX"));
  }

  async replace(before: StoredSession, { key, record }: StoredSession, nowMs: number): Promise<boolean> {
    await redisAnswer(this.#subscribed);
    const ttlMs = expiryOf(record) - nowMs;
    if (ttlMs <= 0) return false;
    const keys = [this.#session(before.key), this.#session(key), this.#user(record.user)];
    const args = [
      `${this.#prefix}removed`,
      before.key,
      key,
      JSON.stringify(record),
      ttlMs,
      record.endMs - nowMs,
    ];
    return (await redisAnswer(this.#redis.eval(REPLACE, keys.length, ...keys, ...args))) === 1;
  }

  async remove(sessions: readonly StoredSession[]): Promise<number> {
    if (sessions.length === 0) return 0;
    const keys = sessions.map(({ key }) => this.#session(key));
    const places = sessions.flatMap(({ key, record }) => [this.#user(record.user), key]);
    const channel = `${this.#prefix}removed`;
    return Number(await redisAnswer(this.#redis.eval(REMOVE, keys.length, ...keys, channel, ...places)));
  }

  async removeOfUser(user: string): Promise<number> {
    const args = [this.#user(user), `${this.#prefix}removed`, this.#session("")];
    return Number(await redisAnswer(this.#redis.eval(REMOVE_OF_USER, 1, ...args)));
  }

  async ofUser(user: string, nowMs: number): Promise<StoredSession[]> {
    const keys = await redisAnswer(this.#redis.smembers(this.#user(user)));
    const found = await this.#read(keys, nowMs);
    const gone = keys.filter((key) => !found.some((each) => each.key === key));
    if (gone.length > 0) await redisAnswer(this.#redis.srem(this.#user(user), ...gone));
    return found.sort((a, b) => b.record.createdMs - a.record.createdMs);
  }

  async all(nowMs: number, limit: number): Promise<StoredSession[]> {
    const found: StoredSession[] = [];
    const start = this.#session("");
    let cursor = "0";
    do {
      const page = this.#redis.scan(cursor, "MATCH", `${start}*`, "COUNT", 500);
      const [next, names] = await redisAnswer(page);
      cursor = next;
      found.push(
        ...(await this.#read(
          names.map((name) => name.slice(start.length)),
          nowMs,
        )),
      );
    } while (cursor !== "0" && found.length < limit);
    return found.slice(0, limit);
  }

  async #read(keys: readonly string[], nowMs: number): Promise<StoredSession[]> {
    if (keys.length === 0) return [];
    const values = await redisAnswer(this.#redis.mget(keys.map((key) => this.#session(key))));
    const found: StoredSession[] = [];
    for (const [i, value] of values.entries()) {
      if (value === null) continue;
      const record = JSON.parse(value) as SessionRecord;
      if (expiryOf(record) > nowMs) found.push({ key: keys[i]!, record });
    }
    return found;
  }

  onRemoved(listener: (ids: readonly string[]) => void): void {
    this.#listeners.push(listener);
  }

  onGap(listener: () => void): void {
    this.#gapListeners.push(listener);
  }

  async close(): Promise<void> {
    this.#pulse.close();
    this.#subscriber.disconnect();
  }
}
