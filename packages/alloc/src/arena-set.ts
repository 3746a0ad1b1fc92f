import { Arena, type ArenaOptions, chunkPoolFor } from "./arena.js";
import type { AtCapacity } from "./at-capacity.js";
import type { ChunkPool } from "./chunk-pool.js";
import { AllocError, shown } from "./errors.js";
import { type Leak, LeakTracker } from "./leak-tracker.js";
import type { ChunkSource } from "./memory.js";
import { ALLOC_OPTIONS, booleanOption, numberOption, refuseUnknown } from "./options.js";
import { HighWaterMarks, type MemoryStatistics, withRatios } from "./statistics.js";

/** How long things live in a web server, shortest first for most; each has its own arenas, chunks and limit. */
export const LIFETIMES = ["request", "response", "task", "cache", "static"] as const;
export type Lifetime = (typeof LIFETIMES)[number];

export interface LifetimeOptions {
  /** Bytes taken at a time, see {@link ArenaOptions}. Default by lifetime, see {@link LIFETIME_DEFAULTS}. */
  chunkBytes?: number;
  /** The most that all arenas of the lifetime take together. */
  limitBytes?: number;
  /** Default `"throw"`. */
  atCapacity?: AtCapacity;
}

export interface ArenaSetOptions extends Partial<Record<Lifetime, LifetimeOptions>> {
  /** Where chunks come from. Default: array buffers. */
  source?: ChunkSource;
  /** Released arenas kept for the next lease, by lifetime. Default 256. */
  idleArenasMax?: number;
  /** Poison, check and keep the stacks of leases for {@link ArenaSet.leaks}. Default false. */
  debug?: boolean;
}

const KiB = 1024;
const MiB = 1024 * KiB;

/**
 * A request's or answer's pieces fit one small chunk; tasks (a directory listing, a template) are larger; what
 * lives as long as a cache or the process comes in large chunks.
 */
export const LIFETIME_DEFAULTS: Readonly<Record<Lifetime, { chunkBytes: number; limitBytes: number }>> = {
  request: { chunkBytes: 4 * KiB, limitBytes: 64 * MiB },
  response: { chunkBytes: 16 * KiB, limitBytes: 64 * MiB },
  task: { chunkBytes: 64 * KiB, limitBytes: 64 * MiB },
  cache: { chunkBytes: MiB, limitBytes: 256 * MiB },
  static: { chunkBytes: 256 * KiB, limitBytes: 256 * MiB },
};

/** An arena whose capacity behaviour is not known to the type: `allocate` may return `null`. */
export type LeasedArena = Arena<AtCapacity>;

class LifetimeArenas {
  readonly pool: ChunkPool;
  readonly atCapacity: AtCapacity;
  readonly idle: LeasedArena[] = [];
  readonly leased = new Map<LeasedArena, number>();
  readonly highWater = new HighWaterMarks();
  leases = 0;
  leasedMax = 0;
  /** Of arenas that are gone. */
  allocations = 0;
  failures = 0;

  constructor(pool: ChunkPool, atCapacity: AtCapacity) {
    this.pool = pool;
    this.atCapacity = atCapacity;
  }

  /** Keeps what a released arena counted. */
  retire(arena: LeasedArena): void {
    const { highWater, allocations, failures } = arena.statistics();
    this.highWater.note(highWater.allocatedBytes, highWater.activeBytes, 0);
    this.allocations += allocations;
    this.failures += failures;
  }
}

/**
 * Arenas by lifetime: each request leases one of its own and gives it back as a whole.
 *
 * ```
 *  request   ─▶ [arena][arena][arena]   one a request in flight     ╮
 *  response  ─▶ [arena][arena]          one an answer               │ the arenas of a lifetime
 *  task      ─▶ [arena]                 one a job                   │ share chunks and one limit
 *  cache     ─▶ [arena]                 one a generation of entries │
 *  static    ─▶ [arena]                 one for the process         ╯
 * ```
 *
 * Things of different lifetimes never share a chunk, so the end of the short ones never leaves holes between the
 * long ones.
 */
export class ArenaSet {
  readonly #lifetimes: Readonly<Record<Lifetime, LifetimeArenas>>;
  readonly #idleMax: number;
  readonly #debug: boolean;
  readonly #leaks: LeakTracker | undefined;
  #leaseId = 0;

  /** @throws AllocError `TZ_ALLOC_OPTION` */
  constructor(options: ArenaSetOptions = {}) {
    refuseUnknown("ArenaSet", options, [...LIFETIMES, "source", "idleArenasMax", "debug"]);
    this.#idleMax = numberOption(
      "ArenaSet",
      "idleArenasMax",
      options.idleArenasMax,
      ALLOC_OPTIONS.ArenaSet.idleArenasMax,
    );
    this.#debug = booleanOption("ArenaSet", "debug", options.debug);
    this.#leaks = this.#debug ? new LeakTracker() : undefined;
    const open = (lifetime: Lifetime): LifetimeArenas => {
      const given = options[lifetime] ?? {};
      refuseUnknown(`ArenaSet ${lifetime}`, given, ["chunkBytes", "limitBytes", "atCapacity"]);
      const source = options.source === undefined ? {} : { source: options.source };
      const pool = chunkPoolFor(`ArenaSet ${lifetime}`, {
        ...LIFETIME_DEFAULTS[lifetime],
        ...given,
        ...source,
      });
      return new LifetimeArenas(pool, given.atCapacity ?? "throw");
    };
    this.#lifetimes = {
      request: open("request"),
      response: open("response"),
      task: open("task"),
      cache: open("cache"),
      static: open("static"),
    };
  }

  /**
   * An empty arena for one thing of this lifetime. Give it back with {@link release}.
   *
   * @throws AllocError `TZ_ALLOC_OPTION` when there is no such lifetime
   */
  lease(lifetime: Lifetime): LeasedArena {
    const arenas = this.#lifetime(lifetime);
    const arena = arenas.idle.pop() ?? this.#make(lifetime, arenas);
    arena._open();
    const id = this.#leaseId++;
    arenas.leased.set(arena, id);
    arenas.leases++;
    arenas.leasedMax = Math.max(arenas.leasedMax, arenas.leased.size);
    if (this.#leaks !== undefined) {
      this.#leaks.allocated(id, 0, this.lease);
    }
    return arena;
  }

  /**
   * Ends a lease: all that was allocated in the arena is freed, its chunks go to the next lease.
   *
   * @throws AllocError `TZ_ALLOC_DOUBLE_FREE` when the arena is not leased from this set
   */
  release(arena: LeasedArena): void {
    const lifetime = arena.name as Lifetime;
    const arenas = Object.hasOwn(this.#lifetimes, lifetime) ? this.#lifetimes[lifetime] : undefined;
    const id = arenas?.leased.get(arena);
    if (arenas === undefined || id === undefined) {
      throw new AllocError(
        "TZ_ALLOC_DOUBLE_FREE",
        `ArenaSet: the arena "${arena.name}" is not leased from this set (released before?)`,
      );
    }
    arenas.leased.delete(arena);
    this.#leaks?.freed(id);
    arena._close();
    // In debug mode a released arena stays closed for good, so that a late user is always found out.
    if (!this.#debug && arenas.idle.length < this.#idleMax) arenas.idle.push(arena);
    else arenas.retire(arena);
  }

  /** Runs `body` with an arena of its own; it is released when `body`, or the promise that it returns, ends. */
  with<T>(lifetime: Lifetime, body: (arena: LeasedArena) => T): T {
    const arena = this.lease(lifetime);
    let result: T;
    try {
      result = body(arena);
    } catch (error) {
      this.release(arena);
      throw error;
    }
    if (typeof (result as { then?: unknown } | null | undefined)?.then === "function") {
      return Promise.resolve(result).finally(() => this.release(arena)) as T;
    }
    this.release(arena);
    return result;
  }

  /** Gives the chunks that no leased arena uses back to the source; returns their bytes. */
  trim(): number {
    return LIFETIMES.reduce((bytes, lifetime) => bytes + this.#lifetimes[lifetime].pool.trim(), 0);
  }

  /** Leases that were not released, with the stacks that took them; empty unless in debug mode. */
  leaks(): Leak[] {
    return this.#leaks?.leaks() ?? [];
  }

  /**
   * One row a lifetime. The high-water marks of allocated and active bytes are those of the largest single arena
   * or of the largest sum seen by this function; the one of mapped bytes is exact.
   */
  statistics(): MemoryStatistics[] {
    return LIFETIMES.map((lifetime) => {
      const { pool, leased, idle, leases, leasedMax, highWater, ...ended } = this.#lifetimes[lifetime];
      let { allocations, failures } = ended;
      let allocatedBytes = 0;
      let activeBytes = 0;
      for (const arena of [...leased.keys(), ...idle]) {
        const row = arena.statistics();
        allocatedBytes += row.allocatedBytes;
        activeBytes += row.activeBytes;
        allocations += row.allocations;
        failures += row.failures;
        highWater.note(row.highWater.allocatedBytes, row.highWater.activeBytes, 0);
      }
      highWater.note(allocatedBytes, activeBytes, pool.mappedMaxBytes);
      return withRatios({
        name: lifetime,
        kind: "ArenaSet",
        allocatedBytes,
        activeBytes,
        mappedBytes: pool.mappedBytes,
        retainedBytes: 0,
        highWater: highWater.read(),
        allocations,
        frees: leases - leased.size,
        failures,
        parts: [
          {
            name: "leased arenas",
            allocatedBytes,
            activeBytes,
            mappedBytes: pool.mappedBytes,
            live: leased.size,
            liveMax: leasedMax,
          },
        ],
      });
    });
  }

  #lifetime(lifetime: Lifetime): LifetimeArenas {
    if (Object.hasOwn(this.#lifetimes, lifetime)) return this.#lifetimes[lifetime];
    throw new AllocError(
      "TZ_ALLOC_OPTION",
      `ArenaSet: lifetime must be one of ${LIFETIMES.join(", ")}, got ${shown(lifetime)}`,
    );
  }

  #make(lifetime: Lifetime, arenas: LifetimeArenas): LeasedArena {
    const options: ArenaOptions = { name: lifetime, atCapacity: arenas.atCapacity, debug: this.#debug };
    return new Arena<AtCapacity>(options, arenas.pool);
  }
}
