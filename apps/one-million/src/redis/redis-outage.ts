/** Tells the operator when Redis goes away and when it is back: one line each, however many events fail meanwhile. */
export class RedisOutage {
  readonly #tell: (line: string) => void;
  #isAway = false;

  constructor(tell: (line: string) => void) {
    this.#tell = tell;
  }

  failed(error: unknown): void {
    if (this.#isAway) return;
    this.#isAway = true;
    this.#tell(`Redis does not count (${(error as Error).message}); events are answered 503 until it does`);
  }

  answered(): void {
    if (!this.#isAway) return;
    this.#isAway = false;
    this.#tell("Redis counts again");
  }
}
