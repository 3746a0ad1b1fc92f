/**
 * The options of a mount: what each is, its default, its bounds. Validation, types and the README's table come
 * from this one table.
 */
import { StaticError, shown } from "./errors.js";
import type { SymlinkPolicy } from "./resolve/file-system.js";

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

/** Milliseconds since some point that never moves back. */
export interface Clock {
  now(): number;
}

export interface CacheOptions {
  /** Memory for prebuilt answers; 0 keeps none. */
  readonly bytes?: number;
  /** An answer is kept no longer than this, however fresh it is. */
  readonly ttlMs?: number;
  /** Files up to this size are kept in memory, larger ones as open descriptors. */
  readonly maxEntryBytes?: number;
  /** Who goes when memory is short. */
  readonly policy?: "sieve" | "lru";
  /** How long "not found" is believed without looking; never longer than `revalidateMs`. */
  readonly negativeTtlMs?: number;
  /** Descriptors of larger files that stay open. */
  readonly fds?: number;
}

/** How a directory is served. Everything is optional. */
export interface StaticOptions {
  /** Names that are tried, in order, for a directory. */
  readonly index?: readonly string[];
  /** `"weak"`: from time and size. `false`: none. */
  readonly etag?: "weak" | false;
  readonly lastModified?: boolean;
  /** The whole field value, instead of what `maxAge` and `immutable` make. `false`: none. */
  readonly cacheControl?: string | false;
  /** Seconds in `Cache-Control: public, max-age=`. */
  readonly maxAge?: number;
  /** Names with a content hash get a year and `immutable`. */
  readonly immutable?: "auto" | false;
  readonly ranges?: boolean;
  /** A request for more ranges is answered with the whole file. */
  readonly maxRanges?: number;
  /** Appended to text types. */
  readonly charset?: string | false;
  /** Extension to media type: `{ ".foo": "text/foo" }`. */
  readonly mime?: Readonly<Record<string, string>>;
  /** Names that begin with a dot; `.well-known` at the top is always served. */
  readonly dotfiles?: "deny" | "ignore" | "allow";
  readonly symlinks?: SymlinkPolicy;
  readonly cache?: CacheOptions;
  /** A cached answer is compared with the file when it was last seen longer ago; 0: at each request. */
  readonly revalidateMs?: number;
  /** Drop a cached answer as soon as the kernel reports a change (Linux). */
  readonly watch?: boolean;
  /** Direct system calls: `"auto"` where they work, `false` for `node:fs`. */
  readonly sys?: "auto" | false;
  readonly clock?: Clock;
}

/** Options after validation: nothing is missing. */
export interface ResolvedOptions {
  readonly index: readonly string[];
  readonly etag: "weak" | false;
  readonly lastModified: boolean;
  readonly cacheControl: string | false | undefined;
  readonly maxAge: number;
  readonly immutable: "auto" | false;
  readonly ranges: boolean;
  readonly maxRanges: number;
  readonly charset: string | false;
  /** Lower-case extension without its dot. */
  readonly mime: ReadonlyMap<string, string>;
  readonly dotfiles: "deny" | "ignore" | "allow";
  readonly symlinks: SymlinkPolicy;
  readonly cache: Required<CacheOptions>;
  readonly revalidateMs: number;
  readonly watch: boolean;
  readonly sys: "auto" | false;
  readonly clock: Clock | undefined;
}

interface Rule {
  /** In words, for the reference. */
  readonly default: string;
  /** The values it takes, in words: it stands in the error. */
  readonly allowed: string;
  /** The value to use; `undefined` when the given one is not allowed. Called with `undefined` for the default. */
  readonly read: (given: unknown) => { readonly value: unknown } | undefined;
}

function integer(fallback: number, min: number, max: number, unit: string): Rule {
  return {
    default: `${fallback} ${unit}`,
    allowed: `an integer from ${min} to ${max} (${unit})`,
    read(given) {
      if (given === undefined) return { value: fallback };
      return Number.isInteger(given) && (given as number) >= min && (given as number) <= max
        ? { value: given }
        : undefined;
    },
  };
}

function choice(...values: readonly (string | boolean)[]): Rule {
  const names = values.map((value) => JSON.stringify(value));
  return {
    default: names[0]!,
    allowed: names.join(" or "),
    read: (given) =>
      given === undefined
        ? { value: values[0] }
        : values.includes(given as string | boolean)
          ? { value: given }
          : undefined,
  };
}

function rule(fallback: string, allowed: string, read: Rule["read"]): Rule {
  return { default: fallback, allowed, read };
}

const FIELD_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;
const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:\s*;[\x20-\x7e]*)?$/;

/** A name of one file, not a path. */
function isFileName(value: unknown): value is string {
  return (
    typeof value === "string" && value !== "" && value !== "." && value !== ".." && !/[/\\\0]/.test(value)
  );
}

/** Nested options are named with a dot. */
export const STATIC_OPTIONS = {
  index: rule('["index.html"]', "a list of up to 16 file names", (given) => {
    if (given === undefined) return { value: ["index.html"] };
    return Array.isArray(given) && given.length <= 16 && given.every(isFileName)
      ? { value: [...given] }
      : undefined;
  }),
  etag: choice("weak", false),
  lastModified: choice(true, false),
  cacheControl: rule("from maxAge and immutable", "a field value of visible ASCII, or false", (given) => {
    if (given === undefined || given === false) return { value: given };
    return typeof given === "string" && FIELD_VALUE.test(given) ? { value: given } : undefined;
  }),
  maxAge: integer(0, 0, 2 ** 31 - 1, "seconds"),
  immutable: choice("auto", false),
  ranges: choice(true, false),
  maxRanges: integer(32, 1, 1000, "ranges"),
  charset: rule('"utf-8"', "a charset name, or false", (given) => {
    if (given === undefined) return { value: "utf-8" };
    return given === false || (typeof given === "string" && /^[\w.:+-]{1,40}$/.test(given))
      ? { value: given }
      : undefined;
  }),
  mime: rule("{}", 'an object of extension to media type, as { ".foo": "text/foo" }', (given) => {
    if (given === undefined) return { value: new Map() };
    if (typeof given !== "object" || given === null || Array.isArray(given)) return undefined;
    const entries = Object.entries(given as Record<string, unknown>);
    const isGood = entries.every(
      ([extension, type]) =>
        /^\.?[^./\\]+$/.test(extension) && typeof type === "string" && MEDIA_TYPE.test(type),
    );
    return isGood
      ? { value: new Map(entries.map(([name, type]) => [name.replace(/^\./, "").toLowerCase(), type])) }
      : undefined;
  }),
  dotfiles: choice("deny", "ignore", "allow"),
  symlinks: choice("within-root", "deny", "follow"),
  "cache.bytes": integer(64 * MiB, 0, 64 * GiB, "bytes"),
  "cache.ttlMs": integer(24 * 3_600_000, 1, 365 * 24 * 3_600_000, "ms"),
  "cache.maxEntryBytes": integer(256 * KiB, 0, 64 * MiB, "bytes"),
  "cache.policy": choice("sieve", "lru"),
  "cache.negativeTtlMs": integer(1000, 0, 3_600_000, "ms"),
  "cache.fds": integer(256, 0, 100_000, "descriptors"),
  revalidateMs: integer(1000, 0, 24 * 3_600_000, "ms"),
  watch: choice(true, false),
  sys: choice("auto", false),
  clock: rule("the monotonic clock of the process", "an object with now(): number, in ms", (given) => {
    if (given === undefined) return { value: undefined };
    return typeof (given as Clock | null)?.now === "function" ? { value: given } : undefined;
  }),
} as const satisfies Record<string, Rule>;

const GROUPS = new Set(
  Object.keys(STATIC_OPTIONS).flatMap((name) => (name.includes(".") ? [name.split(".")[0]!] : [])),
);

/** @throws {StaticError} `TZ_STATIC_OPTION`, naming the option, the value and what is allowed */
export function resolveOptions(given: StaticOptions = {}): ResolvedOptions {
  const flat = flatten(given);
  const resolved: Record<string, unknown> = {};
  for (const [name, { allowed, read }] of Object.entries<Rule>(STATIC_OPTIONS)) {
    const result = read(flat.get(name));
    if (result === undefined) {
      throw new StaticError(
        "TZ_STATIC_OPTION",
        `option "${name}" must be ${allowed}, got ${shown(flat.get(name))}`,
      );
    }
    assign(resolved, name, result.value);
  }
  return resolved as unknown as ResolvedOptions;
}

/** `{ cache: { bytes: 1 } }` to `cache.bytes`; refuses names that are not in the table. */
function flatten(given: object): Map<string, unknown> {
  const flat = new Map<string, unknown>();
  const add = (name: string, value: unknown): void => {
    if (!Object.hasOwn(STATIC_OPTIONS, name)) {
      throw new StaticError(
        "TZ_STATIC_OPTION",
        `unknown option "${name}" (${shown(value)}); known are ${Object.keys(STATIC_OPTIONS).join(", ")}`,
      );
    }
    flat.set(name, value);
  };
  for (const [name, value] of Object.entries(given)) {
    if (GROUPS.has(name) && value !== undefined && typeof value === "object" && value !== null) {
      for (const [inner, innerValue] of Object.entries(value)) add(`${name}.${inner}`, innerValue);
    } else if (!(GROUPS.has(name) && value === undefined)) {
      add(name, value);
    }
  }
  return flat;
}

function assign(target: Record<string, unknown>, name: string, value: unknown): void {
  const [group = "", inner] = name.split(".");
  if (inner === undefined) {
    target[group] = value;
    return;
  }
  const nested = (target[group] ??= {}) as Record<string, unknown>;
  nested[inner] = value;
}
