import { ServerError } from "../errors.js";
import { StatsBlock } from "./stats-block.js";
import { BLOCK_WORDS, HEADER, HEADER_WORDS, MAGIC, VERSION } from "./stats-layout.js";
import { type ServerTotals, totalOf, type WorkerFigures, workerFigures } from "./worker-figures.js";

const WORKERS_MAX = 1024;
const GENERATIONS = 2;

/**
 * The counters of all workers of a server in one piece of memory: a `SharedArrayBuffer` between threads, a shared
 * mapping between processes. See `stats-layout.ts` for the layout.
 *
 * ```ts
 * const buffer = new SharedArrayBuffer(StatsTable.byteLength(4)); // or a mapping of that size, zeroed
 * const table = StatsTable.attach(buffer, 4);                     // reads all
 * table.block(2, 1);                                              // worker 2 of generation 1 writes
 * ```
 *
 * A worker of the generation before may still drain while its successor serves, so each place has two blocks, which
 * the generations take in turn.
 */
export class StatsTable {
  readonly workers: number;
  readonly #blocks: StatsBlock[];

  private constructor(words: Uint32Array, workers: number) {
    this.workers = workers;
    this.#blocks = Array.from({ length: workers * GENERATIONS }, (_, index) => {
      const start = HEADER_WORDS + index * BLOCK_WORDS;
      return new StatsBlock(words.subarray(start, start + BLOCK_WORDS));
    });
  }

  /** Bytes that the counters of this many workers take. @throws ServerError `TZ_SERVER_OPTION` */
  static byteLength(workers: number): number {
    if (!Number.isInteger(workers) || workers < 1 || workers > WORKERS_MAX) {
      throw new ServerError(
        "TZ_SERVER_OPTION",
        `workers is ${workers}; allowed: a whole number from 1 to ${WORKERS_MAX}`,
      );
    }
    return (HEADER_WORDS + workers * GENERATIONS * BLOCK_WORDS) * 4;
  }

  /**
   * Takes memory of {@link byteLength} bytes: zeroed, or one that has been attached before. The memory must stay
   * mapped as long as this table, or a server that writes to it, is used.
   * @param byteOffset where in the buffer the table begins, a multiple of 4
   * @throws ServerError `TZ_SERVER_OPTION` when it is too small, or holds something else
   */
  static attach(buffer: ArrayBufferLike, workers: number, byteOffset = 0): StatsTable {
    const byteLength = StatsTable.byteLength(workers);
    if (byteOffset % 4 !== 0 || byteOffset + byteLength > buffer.byteLength) {
      throw new ServerError(
        "TZ_SERVER_OPTION",
        `the buffer has ${buffer.byteLength} bytes; allowed: ${byteLength} from a multiple of 4, for ${workers} workers`,
      );
    }
    const words = new Uint32Array(buffer, byteOffset, byteLength / 4);
    const wanted: readonly [word: number, value: number][] = [
      [HEADER.magic, MAGIC],
      [HEADER.version, VERSION],
      [HEADER.blockWords, BLOCK_WORDS],
      [HEADER.blocks, workers * GENERATIONS],
    ];
    for (const [word, value] of wanted) {
      // The first who comes writes it; everybody finds what they would have written.
      const found = Atomics.compareExchange(words, word, 0, value);
      if (found !== 0 && found !== value) {
        throw new ServerError(
          "TZ_SERVER_OPTION",
          `the buffer holds something else: word ${word} is ${found}; allowed: 0 or ${value}`,
        );
      }
    }
    return new StatsTable(words, workers);
  }

  /** @throws ServerError `TZ_SERVER_OPTION` */
  block(worker: number, generation: number): StatsBlock {
    const block = this.#blocks[(generation % GENERATIONS) * this.workers + worker];
    if (block === undefined || worker >= this.workers) {
      throw new ServerError(
        "TZ_SERVER_OPTION",
        `worker is ${worker}; allowed: a whole number from 0 to ${this.workers - 1}`,
      );
    }
    return block;
  }

  /** The workers that have ever served. */
  read(): WorkerFigures[] {
    return this.#blocks.flatMap((block, index) =>
      block.state === "unused" ? [] : [workerFigures(block.read(index % this.workers))],
    );
  }

  /** All workers as one. */
  total(workers: readonly WorkerFigures[] = this.read()): ServerTotals {
    return totalOf(workers);
  }

  /** A process is gone and may not have said so: what it counted stays, what it held does not. */
  ended(worker: number, generation: number, pid: number): void {
    const block = this.block(worker, generation);
    if (block.pid === pid) block.state = "ended";
  }
}
