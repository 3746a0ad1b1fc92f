import type { Redis } from "ioredis";
import { redisAnswer } from "../redis-answer.js";
import type { RateLimiter, RateRule } from "./rate-limiter.js";

/**
 * The bucket of one key, in one step and by the clock of the server, which all gateways share.
 * KEYS: bucket. ARGV: burst, interval in ms, "1" to take, "-1" to give back. Returns the milliseconds to wait.
 */
const BUCKET = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local interval = tonumber(ARGV[2])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
if ARGV[3] == '-1' then
  full = full - interval
  if full > now then
    redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.max(1, math.ceil(full - now)))
  else
    redis.call('DEL', KEYS[1])
  end
  return 0
end
full = full + interval
local wait = math.ceil(full - now - tonumber(ARGV[1]) * interval)
if wait > 0 then return wait end
if ARGV[3] == '1' then
  redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.max(1, math.ceil(full - now)))
end
return 0`;

/** Buckets that all gateways with the same prefix share. A bucket that is full takes no memory. */
export class RedisLimiter implements RateLimiter {
  readonly #redis: Redis;
  readonly #prefix: string;

  constructor(redis: Redis, { prefix = "tz:cloudterm:" }: { prefix?: string } = {}) {
    this.#redis = redis;
    this.#prefix = `${prefix}rate:`;
  }

  take(key: string, rule: RateRule): Promise<number> {
    return this.#run(key, rule, "1");
  }

  async giveBack(key: string, rule: RateRule): Promise<void> {
    await this.#run(key, rule, "-1");
  }

  peek(key: string, rule: RateRule): Promise<number> {
    return this.#run(key, rule, "0");
  }

  async reset(key: string): Promise<void> {
    await redisAnswer(this.#redis.del(this.#prefix + key));
  }

  async #run(key: string, { burst, intervalMs }: RateRule, take: string): Promise<number> {
    return Number(
      await redisAnswer(this.#redis.eval(BUCKET, 1, this.#prefix + key, burst, intervalMs, take)),
    );
  }
}
