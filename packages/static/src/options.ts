/**
 * The options of a mount: what each is, its default, its bounds. Validation, types and the README's table come
 * from this one table.
 */
import { StaticError, shown } from "./errors.js";
import type { PathMatcher } from "./match/glob.js";
import { COMPRESSIONS, type Compression } from "./negotiate/coding.js";
import {
  bareExtension,
  callback,
  choice,
  FIELD_NAME,
  FIELD_VALUE,
  FIELDS,
  globs,
  integer,
  isExtension,
  isFields,
  isFileName,
  isObject,
  isRelativePath,
  type JsonSchema,
  list,
  MEDIA_TYPE,
  matcherOf,
  optionalInteger,
  type Rule,
  rule,
  someOf,
} from "./option-rules.js";
import type { SymlinkPolicy } from "./resolve/file-system.js";

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;
const HOUR_MS = 3_600_000;

/** Milliseconds since some point that never moves back. */
export interface Clock {
  now(): number;
}

export interface CacheOptions {
  /** Memory for prebuilt answers; 0 keeps none. */
  readonly bytes?: number;
  /** An answer is kept no longer than this, however fresh it is. */
  readonly ttlMs?: number;
  /**
   * Files up to this size are kept in memory; up to four times as large while a quarter of `bytes` stays free (not where
   * workers share it); larger ones as open descriptors.
   */
  readonly maxEntryBytes?: number;
  /** Who goes when memory is short. */
  readonly policy?: "sieve" | "lru" | "w-tinylfu";
  /** How long "not found" is believed without looking; never longer than `revalidateMs`. */
  readonly negativeTtlMs?: number;
  /** Descriptors of larger files that stay open. */
  readonly fds?: number;
  /** Worker processes of one server keep one copy of an answer (Linux, `@tz/server` on its epoll loop). */
  readonly shared?: boolean;
}

export interface CompressOptions {
  /** In the server's order of preference. zstd is left out where Node has none. */
  readonly encodings?: readonly Compression[] | boolean;
  /** 1 (fast) to 11 (small); by default gzip 6, br 5, zstd 6. */
  readonly level?: number;
  /** Smaller files are sent as they are. */
  readonly minBytes?: number;
  /** Larger ones too: what is compressed is kept in memory. */
  readonly maxBytes?: number;
  /** Media types, without parameters; `text/*` is all of a kind. */
  readonly types?: readonly string[];
  /** The first client of a file waits no longer than this, then gets it as it is. */
  readonly waitMs?: number;
  /** Shared dictionaries (RFC 9842) are not used. */
  readonly dictionary?: false;
}

export interface ListingOptions {
  readonly html?: boolean;
  readonly json?: boolean;
  readonly sort?: "name" | "size" | "time";
  /** Entries on a page. */
  readonly pageSize?: number;
  /** Globs of names that are left out. */
  readonly hide?: readonly string[];
}

export interface CorsOptions {
  /** `"*"`, or origins as `https://app.example`. */
  readonly origins?: "*" | readonly string[];
  /** Fields that scripts may read beyond the basic ones. */
  readonly exposeHeaders?: readonly string[];
  /** Fields that requests may carry. */
  readonly allowHeaders?: readonly string[];
  /** Cookies and the like; needs a list of origins. */
  readonly credentials?: boolean;
  /** How long a preflight answer is good. */
  readonly maxAgeSeconds?: number;
}

export interface DigestOptions {
  /** Sent unasked with each answer that has the whole of a representation; the rest when a client wants it. */
  readonly algorithms?: readonly DigestAlgorithm[];
}

export type DigestAlgorithm = "sha-256" | "sha-512";

/** Field names to values. */
export type FieldMap = Readonly<Record<string, string>>;

/** By glob, or a function of the path below the root. Asked when a file is loaded, not for each request. */
export type HeaderRules = Readonly<Record<string, FieldMap>> | ((path: string) => FieldMap | undefined);

/** What is known of files at build time. */
export interface Manifest {
  /** By path below the root. */
  readonly files: Readonly<Record<string, ManifestFile>>;
}

export interface ManifestFile {
  /** Of its content. A file whose name holds it never changes under that name: a year and `immutable`. */
  readonly hash?: string;
  /**
   * Another path, as `app.3f2a9c1b04.js`, under which the file is served for a year as `immutable`, for as long as
   * its content has the hash. Needs a `hash` of 64 hexadecimal digits (SHA-256).
   */
  readonly name?: string;
  /** What a page needs at once: targets (`/assets/app.js`) or whole `Link` values. */
  readonly preload?: readonly string[];
}

/** What is told about each answer. */
export interface ServedEvent {
  readonly mount: string;
  readonly method: string;
  readonly target: string;
  readonly status: number;
  /** From plan to release, on the monotonic clock. */
  readonly durationMs: number;
}

export interface RequestEvent {
  readonly mount: string;
  readonly method: string;
  readonly target: string;
}

/** How a directory is served. Everything is optional. */
export interface StaticOptions {
  /** Names that are tried, in order, for a directory. */
  readonly index?: readonly string[];
  /** `"weak"`: from time and size. `"strong"`: from the content, weak until it is known. `false`: none. */
  readonly etag?: "weak" | "strong" | false;
  readonly lastModified?: boolean;
  /** The whole field value, instead of what `maxAge` and `immutable` make. `false`: none. */
  readonly cacheControl?: string | false;
  /** Seconds in `Cache-Control: public, max-age=`. */
  readonly maxAge?: number;
  /** Who gets a year and `immutable`: names with a content hash (`"auto"`), or globs. */
  readonly immutable?: "auto" | readonly string[] | false;
  readonly ranges?: boolean;
  /** A request for more ranges is answered with the whole file. */
  readonly maxRanges?: number;
  /** Serve `app.js.br`, `.zst`, `.gz` beside `app.js`; in the server's order of preference. */
  readonly precompressed?: readonly Compression[] | boolean;
  /** Compress on the fly, once per file and coding, off the loop. */
  readonly compress?: boolean | CompressOptions;
  /** Appended to text types. */
  readonly charset?: string | false;
  /** Extension to media type: `{ ".foo": "text/foo" }`. */
  readonly mime?: Readonly<Record<string, string>>;
  /** Names that begin with a dot: refused, as if they were not there, or served. `.well-known` at the top is open. */
  readonly dotfiles?: "deny" | "ignore" | "allow";
  readonly symlinks?: SymlinkPolicy;
  /** Only these extensions; `""` is none. */
  readonly allowExtensions?: readonly string[];
  readonly denyExtensions?: readonly string[];
  /** Only paths that match one of these globs. */
  readonly allow?: readonly string[];
  /** No path that matches one of these globs. */
  readonly deny?: readonly string[];
  /** Larger files are refused with 413. */
  readonly maxFileBytes?: number;
  /** Show what is in a directory without index. */
  readonly listing?: boolean | ListingOptions;
  /** The page for navigations to paths that are no files; `true` is `index.html` at the top. */
  readonly spaFallback?: boolean | string;
  /** `/about` is `about.html`, and `/about.html` leads there. */
  readonly cleanUrls?: boolean;
  /** Tried, in order, for a name without a dot that is not there; nobody is redirected. */
  readonly extensions?: readonly string[];
  /**
   * `"auto"`: directories end in a slash, files do not. `"always"`, `"never"`: pages and directories alike.
   * `"ignore"`: both forms are answered.
   */
  readonly trailingSlash?: "auto" | "always" | "never" | "ignore";
  /** Status to a file below the root: `{ 404: "404.html" }`. */
  readonly errorPages?: Readonly<Record<number, string>>;
  readonly headers?: HeaderRules;
  /** `true`: readable by every origin, without credentials. */
  readonly cors?: boolean | CorsOptions;
  /** `true`: a set that breaks no page; or fields of your own. */
  readonly securityHeaders?: boolean | FieldMap;
  /** RFC 9530 `Repr-Digest` and `Content-Digest`. */
  readonly digest?: boolean | DigestOptions;
  /** Send `103 Early Hints` with the preloads of the manifest. */
  readonly earlyHints?: boolean;
  /** An object, or a JSON file of it. */
  readonly manifest?: string | Manifest;
  readonly cache?: CacheOptions;
  /** A cached answer is compared with the file when it was last seen longer ago; 0: at each request. */
  readonly revalidateMs?: number;
  /** Drop a cached answer as soon as the kernel reports a change (Linux). */
  readonly watch?: boolean;
  /** Each answer is sent no faster than this. */
  readonly throttleBytesPerSecond?: number;
  /** Direct system calls: `"auto"` where they work, `false` for `node:fs`. */
  readonly sys?: "auto" | false;
  readonly clock?: Clock;
  /** Also on `node:diagnostics_channel`: `tz:static:request`. */
  readonly onRequest?: (event: RequestEvent) => void;
  /** Also on `node:diagnostics_channel`: `tz:static:served`. */
  readonly onServed?: (event: ServedEvent) => void;
}

export interface ResolvedCompress {
  readonly encodings: readonly Compression[];
  readonly level: number | undefined;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly types: readonly string[];
  readonly waitMs: number;
}

export interface ResolvedListing {
  readonly html: boolean;
  readonly json: boolean;
  readonly sort: "name" | "size" | "time";
  readonly pageSize: number;
  readonly hide: PathMatcher | undefined;
}

export interface ResolvedCors {
  readonly origins: "*" | readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly allowHeaders: readonly string[] | undefined;
  readonly credentials: boolean;
  readonly maxAgeSeconds: number;
}

/** Options after validation: nothing is missing. */
export interface ResolvedOptions {
  readonly index: readonly string[];
  readonly etag: "weak" | "strong" | false;
  readonly lastModified: boolean;
  readonly cacheControl: string | false | undefined;
  readonly maxAge: number;
  readonly immutable: "auto" | false | PathMatcher;
  readonly ranges: boolean;
  readonly maxRanges: number;
  readonly precompressed: readonly Compression[];
  readonly compress: false | ResolvedCompress;
  readonly charset: string | false;
  /** Lower-case extension without its dot. */
  readonly mime: ReadonlyMap<string, string>;
  readonly dotfiles: "deny" | "ignore" | "allow";
  readonly symlinks: SymlinkPolicy;
  readonly allowExtensions: readonly string[] | undefined;
  readonly denyExtensions: readonly string[] | undefined;
  readonly allow: PathMatcher | undefined;
  readonly deny: PathMatcher | undefined;
  readonly maxFileBytes: number | undefined;
  readonly listing: false | ResolvedListing;
  /** Path below the root. */
  readonly spaFallback: string | false;
  readonly cleanUrls: boolean;
  /** Without their dot. */
  readonly extensions: readonly string[];
  readonly trailingSlash: "auto" | "always" | "never" | "ignore";
  /** Paths below the root. */
  readonly errorPages: ReadonlyMap<number, string>;
  readonly headers: ((path: string) => FieldMap | undefined) | undefined;
  readonly cors: false | ResolvedCors;
  readonly securityHeaders: FieldMap | undefined;
  readonly digest: false | { readonly algorithms: readonly DigestAlgorithm[] };
  readonly earlyHints: boolean;
  readonly manifest: string | Manifest | undefined;
  readonly cache: Required<CacheOptions>;
  readonly revalidateMs: number;
  readonly watch: boolean;
  readonly throttleBytesPerSecond: number | undefined;
  readonly sys: "auto" | false;
  readonly clock: Clock | undefined;
  readonly onRequest: ((event: RequestEvent) => void) | undefined;
  readonly onServed: ((event: ServedEvent) => void) | undefined;
}

/** What `securityHeaders: true` sends: nothing in it keeps a page from working that worked before. */
export const DEFAULT_SECURITY_HEADERS: FieldMap = {
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "SAMEORIGIN",
  "Referrer-Policy": "strict-origin-when-cross-origin",
  "Cross-Origin-Opener-Policy": "same-origin",
};

/** Types that shrink; images, video and fonts are compressed already. */
const COMPRESSIBLE_TYPES = [
  "text/*",
  "application/javascript",
  "application/json",
  "application/ld+json",
  "application/manifest+json",
  "application/xml",
  "application/xhtml+xml",
  "application/rss+xml",
  "application/atom+xml",
  "application/wasm",
  "image/svg+xml",
  "image/bmp",
  "image/vnd.microsoft.icon",
  "font/ttf",
  "font/otf",
  "application/vnd.ms-fontobject",
];

const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^/\s,]+$/i;

const MANIFEST_SCHEMA: JsonSchema = {
  type: "object",
  required: ["files"],
  properties: {
    files: {
      type: "object",
      additionalProperties: {
        type: "object",
        properties: {
          hash: { type: "string" },
          name: { type: "string", minLength: 1 },
          preload: { type: "array", items: { type: "string", minLength: 1 } },
        },
      },
    },
  },
};

/** Nested options are named with a dot; the group's own name turns it on and off. */
export const STATIC_OPTIONS = {
  index: list(["index.html"], "file names", isFileName),
  etag: choice("weak", "strong", false),
  lastModified: choice(true, false),
  cacheControl: rule(
    "from maxAge and immutable",
    "a field value of visible ASCII, or false",
    (given) => {
      if (given === undefined || given === false) return { value: given };
      return typeof given === "string" && given !== "" && FIELD_VALUE.test(given)
        ? { value: given }
        : undefined;
    },
    { anyOf: [{ const: false }, { type: "string", minLength: 1 }] },
  ),
  maxAge: integer(0, 0, 2 ** 31 - 1, "seconds"),
  immutable: rule(
    '"auto"',
    '"auto", false or a list of globs',
    (given) => {
      if (given === undefined || given === "auto" || given === false) return { value: given ?? "auto" };
      const matcher = matcherOf(given);
      return matcher === undefined ? undefined : { value: matcher };
    },
    { anyOf: [{ enum: ["auto", false] }, { type: "array", items: { type: "string" } }], default: "auto" },
  ),
  ranges: choice(true, false),
  maxRanges: integer(32, 1, 1000, "ranges"),
  precompressed: someOf([], COMPRESSIONS),
  compress: choice(false, true),
  "compress.encodings": someOf(COMPRESSIONS, COMPRESSIONS),
  "compress.level": optionalInteger(1, 11, "level"),
  "compress.minBytes": integer(1 * KiB, 0, 1 * GiB, "bytes"),
  "compress.maxBytes": integer(4 * MiB, 1, 64 * MiB, "bytes"),
  "compress.types": list(
    COMPRESSIBLE_TYPES,
    "media types",
    (value) => typeof value === "string" && MEDIA_TYPE.test(value),
    (value) => value.toLowerCase(),
  ),
  "compress.waitMs": integer(250, 0, 60_000, "ms"),
  "compress.dictionary": choice(false),
  charset: rule(
    '"utf-8"',
    "a charset name, or false",
    (given) => {
      if (given === undefined) return { value: "utf-8" };
      return given === false || (typeof given === "string" && /^[\w.:+-]{1,40}$/.test(given))
        ? { value: given }
        : undefined;
    },
    { anyOf: [{ const: false }, { type: "string", minLength: 1 }], default: "utf-8" },
  ),
  mime: rule(
    "{}",
    'an object of extension to media type, as { ".foo": "text/foo" }',
    (given) => {
      if (given === undefined) return { value: new Map() };
      if (!isObject(given)) return undefined;
      const entries = Object.entries(given);
      const isGood = entries.every(
        ([extension, type]) => isExtension(extension) && typeof type === "string" && MEDIA_TYPE.test(type),
      );
      return isGood
        ? { value: new Map(entries.map(([name, type]) => [bareExtension(name), type])) }
        : undefined;
    },
    FIELDS,
  ),
  dotfiles: choice("deny", "ignore", "allow"),
  symlinks: choice("within-root", "deny", "follow"),
  allowExtensions: list(
    undefined,
    "extensions",
    (value) => value === "" || isExtension(value),
    bareExtension,
  ),
  denyExtensions: list(undefined, "extensions", (value) => value === "" || isExtension(value), bareExtension),
  allow: globs(),
  deny: globs(),
  maxFileBytes: optionalInteger(1 * KiB, 10 * GiB, "bytes"),
  listing: choice(false, true),
  "listing.html": choice(true, false),
  "listing.json": choice(true, false),
  "listing.sort": choice("name", "size", "time"),
  "listing.pageSize": integer(1000, 1, 10_000, "entries"),
  "listing.hide": globs(),
  spaFallback: rule(
    "false",
    "true, false or a path below the root",
    (given) => {
      if (given === undefined || given === false) return { value: false };
      if (given === true) return { value: "index.html" };
      return isRelativePath(given) ? { value: given.replace(/^\//, "") } : undefined;
    },
    { type: ["boolean", "string"], default: false },
  ),
  cleanUrls: choice(false, true),
  extensions: list([], "extensions", isExtension, (value) => value.replace(/^\./, "")),
  trailingSlash: choice("auto", "always", "never", "ignore"),
  errorPages: rule(
    "{}",
    "an object of status (400 to 599) to a path below the root",
    (given) => {
      if (given === undefined) return { value: new Map() };
      if (!isObject(given)) return undefined;
      const entries = Object.entries(given);
      const isGood = entries.every(([status, page]) => /^[45]\d\d$/.test(status) && isRelativePath(page));
      return isGood
        ? {
            value: new Map(
              entries.map(([status, page]) => [Number(status), String(page).replace(/^\//, "")]),
            ),
          }
        : undefined;
    },
    {
      type: "object",
      patternProperties: { "^[45][0-9][0-9]$": { type: "string" } },
      additionalProperties: false,
    },
  ),
  headers: rule(
    "none",
    "a function of the path, or an object of glob to fields that are not ours to set",
    (given) => {
      if (given === undefined || typeof given === "function") return { value: given };
      if (!isObject(given)) return undefined;
      const rules: { matches: PathMatcher; fields: FieldMap }[] = [];
      for (const [glob, fields] of Object.entries(given)) {
        const matches = matcherOf([glob]);
        if (matches === undefined || !isFields(fields)) return undefined;
        rules.push({ matches, fields });
      }
      // Later rules win over earlier ones.
      return {
        value: (path: string) =>
          Object.assign({}, ...rules.filter(({ matches }) => matches(path)).map(({ fields }) => fields)),
      };
    },
    { type: "object", additionalProperties: FIELDS },
  ),
  cors: choice(false, true),
  "cors.origins": rule(
    '"*"',
    '"*" or a list of origins, as "https://app.example"',
    (given) => {
      if (given === undefined || given === "*") return { value: "*" };
      const isGood =
        Array.isArray(given) && given.every((origin) => typeof origin === "string" && ORIGIN.test(origin));
      return isGood ? { value: given.map((origin: string) => origin.toLowerCase()) } : undefined;
    },
    { anyOf: [{ const: "*" }, { type: "array", items: { type: "string" } }], default: "*" },
  ),
  "cors.exposeHeaders": list([], "field names", (name) => FIELD_NAME.test(String(name))),
  "cors.allowHeaders": list(undefined, "field names", (name) => FIELD_NAME.test(String(name))),
  "cors.credentials": choice(false, true),
  "cors.maxAgeSeconds": integer(600, 0, 86_400, "seconds"),
  securityHeaders: rule(
    "false",
    "true, false or an object of fields",
    (given) => {
      if (given === undefined || given === false) return { value: undefined };
      if (given === true) return { value: DEFAULT_SECURITY_HEADERS };
      return isFields(given) ? { value: { ...given } } : undefined;
    },
    { anyOf: [{ type: "boolean" }, FIELDS], default: false },
  ),
  digest: choice(false, true),
  "digest.algorithms": someOf(["sha-256"], ["sha-256", "sha-512"]),
  earlyHints: choice(false, true),
  manifest: rule(
    "none",
    "a path, or an object { files: { path: { hash, name, preload } } }",
    (given) => {
      if (given === undefined || (typeof given === "string" && given !== "")) return { value: given };
      return isManifest(given) ? { value: given } : undefined;
    },
    { anyOf: [{ type: "string", minLength: 1 }, MANIFEST_SCHEMA] },
  ),
  "cache.bytes": integer(64 * MiB, 0, 64 * GiB, "bytes"),
  "cache.ttlMs": integer(24 * HOUR_MS, 1, 365 * 24 * HOUR_MS, "ms"),
  "cache.maxEntryBytes": integer(256 * KiB, 0, 64 * MiB, "bytes"),
  "cache.policy": choice("sieve", "lru", "w-tinylfu"),
  "cache.negativeTtlMs": integer(1000, 0, HOUR_MS, "ms"),
  "cache.fds": integer(256, 0, 100_000, "descriptors"),
  "cache.shared": choice(true, false),
  revalidateMs: integer(1000, 0, 24 * HOUR_MS, "ms"),
  watch: choice(true, false),
  throttleBytesPerSecond: optionalInteger(1 * KiB, 100 * GiB, "bytes/s"),
  sys: choice("auto", false),
  clock: rule(
    "the monotonic clock of the process",
    "an object with now(): number, in ms",
    (given) => {
      if (given === undefined) return { value: undefined };
      return typeof (given as Clock | null)?.now === "function" ? { value: given } : undefined;
    },
    undefined,
  ),
  onRequest: callback(),
  onServed: callback(),
} as const satisfies Record<string, Rule>;

/** Groups that can be turned off; `cache` cannot. */
export const SWITCHED: ReadonlySet<string> = new Set(["compress", "listing", "cors", "digest"]);
const GROUPS: ReadonlySet<string> = new Set([...SWITCHED, "cache"]);

/** @throws {StaticError} `TZ_STATIC_OPTION`, naming the option, the value and what is allowed */
export function resolveOptions(given: StaticOptions = {}): ResolvedOptions {
  const flat = flatten(given);
  const resolved: Record<string, unknown> = {};
  for (const [name, { allowed, read }] of Object.entries<Rule>(STATIC_OPTIONS)) {
    const result = read(flat.get(name));
    if (result === undefined) throw refusal(name, flat.get(name), allowed);
    assign(resolved, name, result.value);
  }
  const options = resolved as unknown as ResolvedOptions;
  if (options.cors !== false && options.cors.credentials && options.cors.origins === "*") {
    throw refusal("cors.credentials", true, 'false unless "cors.origins" is a list');
  }
  return options;
}

function refusal(name: string, value: unknown, allowed: string): StaticError {
  return new StaticError("TZ_STATIC_OPTION", `option "${name}" must be ${allowed}, got ${shown(value)}`);
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
    if (!GROUPS.has(name) || !isObject(value)) {
      if (name !== "cache" || value !== undefined) add(name, value);
      continue;
    }
    if (SWITCHED.has(name)) flat.set(name, true);
    for (const [inner, innerValue] of Object.entries(value)) add(`${name}.${inner}`, innerValue);
  }
  return flat;
}

/** A group that is switched off stays `false`, whatever its members would be. */
function assign(target: Record<string, unknown>, name: string, value: unknown): void {
  const [group = "", inner] = name.split(".");
  if (inner === undefined) {
    target[group] = SWITCHED.has(group) && value === true ? {} : value;
    return;
  }
  target[group] ??= {};
  if (target[group] !== false) (target[group] as Record<string, unknown>)[inner] = value;
}

const SHA256 = /^[0-9a-f]{64}$/;

export function isManifest(given: unknown): given is Manifest {
  if (!isObject(given) || !isObject(given.files)) return false;
  return Object.values(given.files).every(
    (file) =>
      isObject(file) &&
      (file.hash === undefined || typeof file.hash === "string") &&
      (file.name === undefined || (isRelativePath(file.name) && SHA256.test(String(file.hash)))) &&
      (file.preload === undefined ||
        (Array.isArray(file.preload) &&
          file.preload.every((link) => typeof link === "string" && link !== "" && FIELD_VALUE.test(link)))),
  );
}
