import type { Redis } from "ioredis";
import { redisAnswer } from "../redis-answer.js";

export interface SharedKeyOptions {
  /** In front of the key's name; gateways that share sessions share it. Default `"tz:cloudterm:"`. */
  readonly prefix?: string;
  /** 32 secret bytes of this gateway: what all have when nobody was there before it. */
  readonly own: Uint8Array;
  readonly onError?: (error: Error) => void;
}

const KEY_BYTES = 32;
const LOOK_MS = 5000;
/** Whoever sends tickets that are none does not make this gateway ask for each. */
const ASK_AGAIN_MS = 1000;
/** Keys of before, which cookies may still be signed with. */
const KEPT_MAX = 4;

/**
 * The secret that all gateways on one Redis share. Each looks every 5 s whether it is still there: a Redis that was emptied is
 * given it again, and where somebody else was faster, all take theirs. What was signed with the keys of before stays good.
 */
export class SharedKey {
  readonly #redis: Redis;
  readonly #name: string;
  readonly #timer: NodeJS.Timeout;
  #keys: readonly Uint8Array[];
  #asking: Promise<void> | undefined;
  #askedMs = Number.NEGATIVE_INFINITY;

  private constructor(redis: Redis, name: string, { own, onError }: SharedKeyOptions) {
    this.#redis = redis;
    this.#name = name;
    this.#keys = [own];
    this.#timer = setInterval(() => void this.refresh().catch((error) => onError?.(error)), LOOK_MS);
    this.#timer.unref();
  }

  /** @throws CloudtermError `TZ_CLOUDTERM_STORE` */
  static async open(redis: Redis, options: SharedKeyOptions): Promise<SharedKey> {
    const key = new SharedKey(redis, `${options.prefix ?? "tz:cloudterm:"}key`, options);
    try {
      await key.refresh();
    } catch (error) {
      key.close();
      throw error;
    }
    return key;
  }

  /** The one to sign with first, then those of before. */
  get all(): readonly Uint8Array[] {
    return this.#keys;
  }

  /** What Redis has now. @throws CloudtermError `TZ_CLOUDTERM_STORE` */
  async refresh(): Promise<void> {
    const [current] = this.#keys;
    const text = Buffer.from(current!).toString("base64url");
    const answers = await redisAnswer(this.#redis.multi().set(this.#name, text, "NX").get(this.#name).exec());
    const stored = answers?.[1]?.[1];
    const found = Buffer.from(typeof stored === "string" ? stored : "", "base64url");
    // Somebody has written something else there: a key of no bytes would be everybody's.
    if (found.length !== KEY_BYTES || found.equals(current!)) return;
    this.#keys = [found, ...this.#keys.filter((key) => !found.equals(key))].slice(0, KEPT_MAX);
  }

  /** Looks now: something was signed with a key that is not known here. At most once a second, for all who miss one. */
  missed(): Promise<void> {
    if (this.#asking !== undefined) return this.#asking;
    const nowMs = performance.now();
    if (nowMs - this.#askedMs < ASK_AGAIN_MS) return Promise.resolve();
    this.#askedMs = nowMs;
    this.#asking = this.refresh().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
