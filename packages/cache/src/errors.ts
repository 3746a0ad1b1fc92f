/**
 * Every code that this package throws, with what it means and the HTTP status a server should answer with when
 * the error reaches a request. The README's table is pinned to it by a test.
 */
export const CACHE_ERROR_CODES = {
  TZ_CACHE_OPTION: { status: 500, meaning: "an option is unknown, of the wrong type or out of its bounds" },
  TZ_CACHE_TTL: { status: 500, meaning: "a time to live given with one entry is out of its bounds" },
  TZ_CACHE_SIZE: {
    status: 500,
    meaning: "the size of a value is unknown, or not an integer from 0 to 10 GiB",
  },
  TZ_CACHE_VALUE: { status: 500, meaning: "the value is undefined: store a negative entry instead" },
  TZ_CACHE_LOAD_TIMEOUT: { status: 504, meaning: "a loader did not settle within `loadTimeoutMs`" },
  TZ_CACHE_LOAD_REENTERED: { status: 500, meaning: "a loader waits, directly or through others, for itself" },
  TZ_CACHE_CLOSED: { status: 503, meaning: "the cache was closed" },
  TZ_CACHE_SNAPSHOT: { status: 500, meaning: "a snapshot is not one, or of an unknown version" },
  TZ_CACHE_STATISTICS: {
    status: 500,
    meaning: "a statistics buffer is too small, or the row does not exist",
  },
  TZ_CACHE_BUFFER: {
    status: 500,
    meaning: "memory for a shared cache is too small, or holds something else",
  },
  TZ_CACHE_WORKERS: { status: 503, meaning: "every worker row of a shared cache is taken by a live worker" },
  TZ_CACHE_LOCKED: {
    status: 503,
    meaning: "a live worker did not let go of a shared cache's writer lock in time",
  },
  TZ_CACHE_KEY: { status: 500, meaning: "a key of a shared cache is empty, too long or of the wrong type" },
  TZ_CACHE_VERSION: { status: 500, meaning: "a version is not an integer from 0 to 2^53 - 1" },
  TZ_CACHE_HANDLE: {
    status: 500,
    meaning: "a handle that this worker does not hold: not pinned, or given back twice",
  },
} as const;

export type CacheErrorCode = keyof typeof CACHE_ERROR_CODES;

/** The one error class of this package. Match on `code`, which is stable. After it was thrown the cache is as before the call. */
export class CacheError extends Error {
  override readonly name = "CacheError";
  readonly code: CacheErrorCode;

  constructor(code: CacheErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** The HTTP status that the error maps to. */
  get status(): number {
    return CACHE_ERROR_CODES[this.code].status;
  }
}

/** How a bad value is shown in a message: strings quoted, objects by their kind, nothing long. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (typeof value === "symbol") return value.toString();
  if (typeof value === "object" && value !== null)
    return `an object (${value.constructor?.name ?? "null prototype"})`;
  return String(value);
}
