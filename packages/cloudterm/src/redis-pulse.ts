import type { Redis } from "ioredis";

export interface RedisPulseOptions {
  /** Between two questions. Default 2,000. */
  readonly intervalMs?: number;
  /** How long an answer may take. Default 5,000. */
  readonly deadlineMs?: number;
  /** Is told when there was no answer, once for each time. */
  readonly onSilent?: () => void;
}

/**
 * Asks a Redis whether it answers. A connection alone says nothing: the server may hang, or its machine may be gone without
 * a word. One that is silent for too long is connected to again.
 */
export class RedisPulse {
  readonly #redis: Redis;
  readonly #deadlineMs: number;
  readonly #onSilent: () => void;
  readonly #timer: NodeJS.Timeout;
  #answered = true;
  #asking = false;

  constructor(
    redis: Redis,
    { intervalMs = 2000, deadlineMs = 5000, onSilent = () => {} }: RedisPulseOptions = {},
  ) {
    this.#redis = redis;
    this.#deadlineMs = deadlineMs;
    this.#onSilent = onSilent;
    // The client calls itself ready only when the server has answered.
    redis.on("ready", () => {
      this.#answered = true;
    });
    this.#timer = setInterval(() => void this.#ask(), intervalMs).unref();
  }

  get answers(): boolean {
    return this.#answered && this.#redis.status === "ready";
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #ask(): Promise<void> {
    if (this.#asking || !this.answers) return;
    this.#asking = true;
    let deadline: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      deadline = setTimeout(() => resolve(false), this.#deadlineMs).unref();
    });
    const answered = this.#redis.ping().then(
      () => true,
      // A refusal is an answer, too.
      (error: Error) => error.name === "ReplyError",
    );
    const isAlive = await Promise.race([answered, late]);
    clearTimeout(deadline);
    this.#asking = false;
    // Who has lost the connection knows it already.
    if (isAlive || this.#redis.status !== "ready") return;
    this.#answered = false;
    this.#redis.disconnect(true);
    this.#onSilent();
  }
}
