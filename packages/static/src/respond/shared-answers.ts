/**
 * One copy of an answer for all workers: equal bytes are found by their hash in memory that the workers map.
 *
 * ```
 *   head + body ─▶ SHA-256 ─▶ pin in the shared cache ─── there ──▶ that copy, pinned until free()
 *                               │ not there
 *                               └▶ reserve, write, publish, pin ─── no room ──▶ memory of this process
 * ```
 *
 * Named by their content, answers never go out of date: a changed file is another answer. What a worker that was
 * killed had pinned comes back with {@link SharedAnswers.recover}.
 */
import { createHash } from "node:crypto";
import type { MemoryStatistics } from "@tz/alloc";
import type { ResponseHead, SharedMemory, SharedPart } from "@tz/http1";
import type { ResolvedOptions } from "../options.js";
import type { AnswerMemory, Block } from "./answer-memory.js";

type SharedCache = import("@tz/cache").SharedCache;

/** The smallest budget of a shared cache. */
const BUDGET_MIN = 1024 * 1024;
/** Beside the body of the largest file: its head and the hash. */
const HEAD_BYTES = 4096;
/** A budget is at least so many times the largest entry, and a cache line. */
const ENTRIES_MIN = 4;
const LINE_BYTES = 64;
/** Room for two generations: those that drain have their own memory, but a worker that died keeps its row for a while. */
const ROWS_PER_WORKER = 4;
const ROWS_MAX = 256;

export interface SharedAnswerStats {
  readonly entries: number;
  readonly bytes: number;
  readonly maxBytes: number;
  /** Answers of this and the other workers that found a copy. */
  readonly hits: number;
  /** Workers that ended with pins, which came back. */
  readonly recoveredWorkers: number;
}

export class SharedAnswers implements AnswerMemory {
  readonly #own: AnswerMemory;
  #cache: SharedCache | undefined;
  #memory: SharedMemory | undefined;

  /** @param own for what finds no room, and for all before {@link SharedPart.attach} */
  constructor(own: AnswerMemory) {
    this.#own = own;
  }

  get stats(): SharedAnswerStats | undefined {
    if (this.#cache === undefined) return undefined;
    const { entries, bytes, maxBytes, hits, recoveredWorkers } = this.#cache.statistics();
    return { entries, bytes, maxBytes, hits, recoveredWorkers };
  }

  get isShared(): boolean {
    return this.#cache !== undefined;
  }

  allocate(byteLength: number): Block {
    return this.#own.allocate(byteLength);
  }

  get isAddressed(): boolean {
    return this.#own.isAddressed;
  }

  /** @returns `undefined` when there is no room: then it is to be allocated */
  place(ok: ResponseHead, body: Uint8Array): Block | undefined {
    const cache = this.#cache;
    if (cache === undefined) return undefined;
    const head = new Uint8Array(ok.byteLength);
    ok.writeTo(head, 0);
    const byteLength = head.byteLength + body.byteLength;
    const key = createHash("sha256").update(head).update(body).digest();
    let handle = cache.pin(key, 0);
    if (handle < 0) {
      if (byteLength + key.byteLength > cache.maxEntryBytes) return undefined;
      const reserved = cache.reserve(key, 0, byteLength);
      if (reserved < 0) return undefined;
      const room = cache.view(reserved);
      room.set(head);
      room.set(body, head.byteLength);
      if (!cache.publish(reserved)) return undefined;
      handle = cache.pin(key, 0);
      if (handle < 0) return undefined;
    }
    const pinned = handle;
    return {
      bytes: cache.view(pinned),
      address: this.#memory!.address + cache.offset(pinned),
      free: () => cache.unpin(pinned),
    };
  }

  /** Of what this process has for itself. */
  statistics(): MemoryStatistics | undefined {
    return this.#own.statistics?.();
  }

  close(): void {
    this.#own.close();
  }

  /** @returns `undefined` when the mount keeps nothing, or wants none of it */
  async part(options: ResolvedOptions, workers: number): Promise<SharedPart | undefined> {
    const { bytes, maxEntryBytes, shared } = options.cache;
    if (!shared || bytes < BUDGET_MIN) return undefined;
    // Only who has workers loads it.
    const { SharedCache } = await import("@tz/cache");
    const largest = Math.min(
      maxEntryBytes + HEAD_BYTES,
      2 ** Math.floor(Math.log2(bytes / ENTRIES_MIN)) - LINE_BYTES,
    );
    const measures = {
      maxBytes: bytes,
      maxEntryBytes: largest,
      maxWorkers: Math.min(workers * ROWS_PER_WORKER, ROWS_MAX),
    };
    return {
      byteLength: SharedCache.byteLength(measures),
      create: (memory) => SharedCache.create(memory, measures),
      attach: (memory) => {
        this.#memory = memory;
        this.#cache = SharedCache.attach(memory, { name: "static" });
      },
      recover: () => void this.#cache?.recoverDead(),
    };
  }
}
