import { Redis } from "ioredis";
import { addToSum, SUM_DIGITS } from "../totals/exact-sum.js";
import { type Stats, statsOf } from "../totals/totals.js";
import type { TotalsStore } from "../totals-store.js";
import { RedisOutage } from "./redis-outage.js";
import { RECORD, RESET, STATS } from "./scripts.js";

/** Events that go to Redis in one call, at the most: Redis serves nobody else while it runs a script. */
const BATCH_EVENTS = 500;
const CONNECT_TIMEOUT_MS = 5000;
const ANSWER_TIMEOUT_MS = 5000;

/** Redis did not answer. The message is for the client of this server; the cause is what the Redis client says. */
export class RedisStoreError extends Error {
  override name = "RedisStoreError";
  readonly code = "TZ_MILLION_REDIS";
  readonly status = 503;
}

/** Keys in front, then ARGV. */
type Script<Answer> = (...values: (string | number | Buffer)[]) => Promise<Answer>;

interface Scripts {
  readonly countEvents: Script<unknown>;
  readonly readStats: Script<string[]>;
  readonly resetAll: Script<unknown>;
}

/**
 * Totals in Redis or Valkey, shared by all machines that use the same prefix. Events of one worker that come in one turn
 * of its loop go there in one script; an event is answered when Redis has counted it.
 * @throws RedisStoreError when nothing answers
 */
export async function redisStore(url: string, prefix: string): Promise<TotalsStore> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: ANSWER_TIMEOUT_MS,
    // A call whose answer was lost must not be sent again: it would count twice.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    scripts: {
      countEvents: { lua: RECORD, numberOfKeys: 2 },
      readStats: { lua: STATS, numberOfKeys: 2, readOnly: true },
      resetAll: { lua: RESET, numberOfKeys: 2 },
    },
  });
  // Each failed call is told to who made it; without a listener the client prints every lost connection.
  redis.on("error", () => {});
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    throw new RedisStoreError("Redis is not there", { cause: error });
  }
  return new RedisStore(redis, prefix);
}

/** Events that go to Redis together. */
class Batch {
  readonly users: Buffer[] = [];
  readonly digits = new Float64Array(SUM_DIGITS);
  readonly counted: Promise<void>;
  resolve!: () => void;
  reject!: (error: unknown) => void;

  constructor() {
    this.counted = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

class RedisStore implements TotalsStore {
  readonly #redis: Redis;
  readonly #scripts: Scripts;
  /** In braces: both keys are in one slot of a cluster. */
  readonly #keys: readonly [string, string];
  readonly #outage = new RedisOutage((line) => console.error(`one-million: ${line}`));
  #batch: Batch | undefined;

  constructor(redis: Redis, prefix: string) {
    this.#redis = redis;
    this.#scripts = redis as unknown as Scripts;
    this.#keys = [`{${prefix}}:counts`, `{${prefix}}:users`];
  }

  record(bytes: Uint8Array, start: number, end: number, value: number): Promise<void> {
    let batch = this.#batch;
    if (batch === undefined) {
      const fresh = new Batch();
      batch = fresh;
      this.#batch = fresh;
      setImmediate(() => {
        if (this.#batch === fresh) this.#send(fresh);
      });
    }
    batch.users.push(Buffer.from(bytes.subarray(start, end)));
    addToSum(batch.digits, 0, value);
    if (batch.users.length === BATCH_EVENTS) this.#send(batch);
    return batch.counted;
  }

  async stats(): Promise<Stats> {
    const [count, users, ...digits] = await this.#asked(
      () => this.#scripts.readStats(...this.#keys),
      "Redis does not answer: the totals are not known",
      "Redis does not answer: the totals are not known",
    );
    let sum = 0n;
    for (const digit of digits.reverse()) sum = (sum << 32n) + BigInt(digit);
    return statsOf(Number(count), Number(users), sum);
  }

  async reset(): Promise<void> {
    await this.#asked(
      () => this.#scripts.resetAll(...this.#keys),
      "Redis is not there: nothing was reset",
      "Redis did not answer: nobody knows whether the totals were reset",
    );
  }

  async close(): Promise<void> {
    this.#redis.disconnect();
  }

  #send(batch: Batch): void {
    this.#batch = undefined;
    const digits: string[] = [];
    batch.digits.forEach((digit, index) => {
      if (digit !== 0) digits.push(String(index), String(digit));
    });
    const { users } = batch;
    this.#asked(
      () => this.#scripts.countEvents(...this.#keys, users.length, digits.length / 2, ...digits, ...users),
      "Redis is not there: the event was not counted",
      "Redis did not answer: nobody knows whether the event was counted",
    ).then(() => batch.resolve(), batch.reject);
  }

  /**
   * @param unsent says what it means that there was no connection to send the call on
   * @param lost says what it means that the call was sent, or may have been, and has no answer
   */
  async #asked<Answer>(call: () => Promise<Answer>, unsent: string, lost: string): Promise<Answer> {
    const isConnected = this.#redis.status === "ready";
    try {
      const answer = await call();
      this.#outage.answered();
      return answer;
    } catch (error) {
      this.#outage.failed(error);
      throw new RedisStoreError(isConnected ? lost : unsent, { cause: error });
    }
  }
}
