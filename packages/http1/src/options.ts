import { Http1OptionError } from "./errors.js";

interface LimitRow {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
  readonly what: string;
}

/** Offsets in the scanner's table are 16 bits wide. */
export const HEAD_BYTES_MAX = 65_535;
/** Records that fit the scanner's table. */
export const FIELDS_MAX = 512;

/** Default, bounds and unit of every limit of a head. */
export const HEAD_LIMITS = {
  maxRequestLineBytes: {
    default: 8 * 1024,
    min: 16,
    max: HEAD_BYTES_MAX,
    unit: "bytes",
    what: "request or status line without its CRLF; beyond: 414",
  },
  maxHeadBytes: {
    default: 32 * 1024,
    min: 64,
    max: HEAD_BYTES_MAX,
    unit: "bytes",
    what: "start line, fields and the empty line; beyond: 431",
  },
  maxFields: {
    default: 128,
    min: 1,
    max: FIELDS_MAX,
    unit: "fields",
    what: "field lines of one head; beyond: 431",
  },
} as const satisfies Record<string, LimitRow>;

/** Default, bounds and unit of every limit of a chunked body. */
export const CHUNKED_LIMITS = {
  maxBodyBytes: {
    default: Number.MAX_SAFE_INTEGER,
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    unit: "bytes",
    what: "content of one message, without framing; beyond: 413",
  },
  maxChunkExtensionBytes: {
    default: 16 * 1024,
    min: 0,
    max: 1024 * 1024,
    unit: "bytes",
    what: "all chunk extensions of one message; beyond: 413",
  },
  maxTrailerBytes: {
    default: 8 * 1024,
    min: 2,
    max: HEAD_BYTES_MAX,
    unit: "bytes",
    what: "trailer section; beyond: 431",
  },
  maxTrailerFields: {
    default: 64,
    min: 0,
    max: FIELDS_MAX,
    unit: "fields",
    what: "trailer field lines; beyond: 431",
  },
} as const satisfies Record<string, LimitRow>;

export type HeadLimits = { readonly [Name in keyof typeof HEAD_LIMITS]: number };
export type ChunkedLimits = { readonly [Name in keyof typeof CHUNKED_LIMITS]: number };

function resolve<Name extends string>(
  table: Record<Name, LimitRow>,
  given: Readonly<Record<string, unknown>>,
): Record<Name, number> {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(table, name)) {
      throw new Http1OptionError(name, `Unknown option ${name}; known are ${Object.keys(table).join(", ")}`);
    }
  }
  const resolved = {} as Record<Name, number>;
  for (const name of Object.keys(table) as Name[]) {
    const row = table[name];
    const value = given[name] ?? row.default;
    if (!Number.isSafeInteger(value) || (value as number) < row.min || (value as number) > row.max) {
      throw new Http1OptionError(
        name,
        `${name} is ${String(value)}; it must be an integer from ${row.min} to ${row.max} (${row.unit})`,
      );
    }
    resolved[name] = value as number;
  }
  return resolved;
}

/** @throws {Http1OptionError} for an unknown name or a value out of bounds */
export function resolveHeadLimits(given: Partial<HeadLimits> = {}): HeadLimits {
  return resolve(HEAD_LIMITS, given);
}

/** @throws {Http1OptionError} for an unknown name or a value out of bounds */
export function resolveChunkedLimits(given: Partial<ChunkedLimits> = {}): ChunkedLimits {
  return resolve(CHUNKED_LIMITS, given);
}
