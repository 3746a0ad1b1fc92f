/** Which blocks of this package's sources have run, from V8's own block coverage. */
import { Session } from "node:inspector";

interface ScriptCoverage {
  readonly url: string;
  readonly functions: readonly {
    readonly ranges: readonly { startOffset: number; endOffset: number; count: number }[];
  }[];
}

export class Coverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();

  constructor() {
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
    this.take();
  }

  get blocks(): number {
    return this.#seen.size;
  }

  /** Blocks that ran since the last call, among them those never seen before. */
  take(): { fresh: number; keep(): void } {
    const fresh: string[] = [];
    // Answers of a session in the same thread come before `post` returns.
    this.#session.post("Profiler.takePreciseCoverage", (error, answer) => {
      if (error !== null) throw error;
      for (const script of (answer as { result: readonly ScriptCoverage[] }).result) {
        if (!script.url.includes("/http1/src/") || script.url.includes("/testing/")) continue;
        for (const { ranges } of script.functions) {
          for (const { startOffset, endOffset, count } of ranges) {
            const key = `${script.url}:${startOffset}:${endOffset}`;
            if (count > 0 && !this.#seen.has(key)) fresh.push(key);
          }
        }
      }
    });
    return { fresh: fresh.length, keep: () => fresh.forEach((key) => void this.#seen.add(key)) };
  }

  stop(): void {
    this.#session.disconnect();
  }
}
