import { ServerError } from "./errors.js";
import { type AccessLogOptions, resolveAccessLog } from "./observe/access-log-options.js";
import { resolveStats, type StatsOptions } from "./observe/stats-options.js";
import type { ForwardedBy } from "./proxies/forwarded.js";

/** One row an option: default, bounds and unit. The table validates, and the reference page is made of it. */
interface NumberRow {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
  readonly meaning: string;
}

const SECOND = 1000;
const HOUR = 3600 * SECOND;

export const SERVER_OPTIONS = {
  maxConnections: {
    default: 10_000,
    min: 1,
    max: 1_000_000,
    unit: "connections",
    meaning: "Open at a time; further ones wait in the kernel's queue.",
  },
  backlog: {
    default: 4096,
    min: 1,
    max: 65_535,
    unit: "connections",
    meaning:
      "Length of the kernel's queue of connections not yet accepted; the kernel caps it at net.core.somaxconn.",
  },
  maxRequestLineBytes: {
    default: 8192,
    min: 64,
    max: 32_768,
    unit: "bytes",
    meaning: "A longer request line is answered 414.",
  },
  maxHeadBytes: {
    default: 32_768,
    min: 256,
    max: 65_000,
    unit: "bytes",
    meaning: "A longer request head is answered 431.",
  },
  maxFields: {
    default: 128,
    min: 1,
    max: 1000,
    unit: "fields",
    meaning: "More fields in one head are answered 431.",
  },
  maxBodyBytes: {
    default: 1_048_576,
    min: 0,
    max: 1_099_511_627_776,
    unit: "bytes",
    meaning: "A larger request body is answered 413.",
  },
  maxDiscardBytes: {
    default: 262_144,
    min: 0,
    max: 1_073_741_824,
    unit: "bytes",
    meaning: "How much of a body that nobody reads is read to keep the connection; beyond, it is closed.",
  },
  maxRequestsPerConnection: {
    default: 0,
    min: 0,
    max: 4_294_967_295,
    unit: "requests",
    meaning: "After this many a connection is closed; 0 is no limit.",
  },
  headTimeoutMs: {
    default: 30 * SECOND,
    min: 10,
    max: HOUR,
    unit: "ms",
    meaning: "From the first byte of a request (or the accept) to the end of its head; then 408.",
  },
  bodyTimeoutMs: {
    default: 30 * SECOND,
    min: 10,
    max: HOUR,
    unit: "ms",
    meaning: "How long a request body may stop; then 408. Slow bodies: `minBodyBytesPerSecond`.",
  },
  idleTimeoutMs: {
    default: 60 * SECOND,
    min: 10,
    max: 24 * HOUR,
    unit: "ms",
    meaning: "A connection without a request is closed after this.",
  },
  writeTimeoutMs: {
    default: 60 * SECOND,
    min: 10,
    max: 24 * HOUR,
    unit: "ms",
    meaning:
      "A client that takes no byte of an answer for this long is closed. Slow clients: `minSendBytesPerSecond`.",
  },
  minBodyBytesPerSecond: {
    default: 240,
    min: 0,
    max: 1_000_000_000,
    unit: "bytes/s",
    meaning:
      "A request body that comes slower uses up `bodyTimeoutMs`, then 408; 0 is no rate: a byte in time will do.",
  },
  minSendBytesPerSecond: {
    default: 240,
    min: 0,
    max: 1_000_000_000,
    unit: "bytes/s",
    meaning:
      "A client that takes an answer slower uses up `writeTimeoutMs`, then it is closed; 0 is no rate.",
  },
  lingerTimeoutMs: {
    default: 2 * SECOND,
    min: 10,
    max: 60 * SECOND,
    unit: "ms",
    meaning: "How long a closing connection reads on, so that the last answer is not lost to a reset.",
  },
  maxConnectionsPerAddress: {
    default: 0,
    min: 0,
    max: 1_000_000,
    unit: "connections",
    meaning:
      "Open at a time from one peer's address; further ones are closed. 0 is no limit: right behind a proxy.",
  },
  maxRequestsInFlight: {
    default: 0,
    min: 0,
    max: 1_000_000,
    unit: "requests",
    meaning:
      "Asynchronous handlers at work at a time; further requests wait. 0 is no limit but the connections.",
  },
  maxQueuedRequests: {
    default: 1000,
    min: 0,
    max: 1_000_000,
    unit: "requests",
    meaning: "Requests that wait for `maxRequestsInFlight`; beyond, 503 with Retry-After.",
  },
  retryAfterSeconds: {
    default: 1,
    min: 0,
    max: 86_400,
    unit: "s",
    meaning: "What a 503 for want of a place says in Retry-After.",
  },
  maxDeferredTasks: {
    default: 1000,
    min: 0,
    max: 1_000_000,
    unit: "tasks",
    meaning: "Deferred tasks that wait or run; `request.defer` refuses more.",
  },
  maxDeferredRunning: {
    default: 16,
    min: 1,
    max: 10_000,
    unit: "tasks",
    meaning: "Deferred tasks that run at a time.",
  },
  tickMs: { default: 100, min: 1, max: SECOND, unit: "ms", meaning: "Resolution of all timeouts." },
} as const satisfies Record<string, NumberRow>;

/** What `app.get(pattern, options, handler)` and its kin take as numbers, for one route. */
export const ROUTE_OPTIONS = {
  maxBodyBytes: {
    default: SERVER_OPTIONS.maxBodyBytes.default,
    min: SERVER_OPTIONS.maxBodyBytes.min,
    max: SERVER_OPTIONS.maxBodyBytes.max,
    unit: "bytes",
    meaning: "In place of the server's `maxBodyBytes`, which is the default.",
  },
  timeoutMs: {
    default: 0,
    min: 0,
    max: 24 * HOUR,
    unit: "ms",
    meaning:
      "From the call of the handler to its answer; then `request.signal` aborts and 503 is sent. 0 is no limit.",
  },
  ratePerSecond: {
    default: 0,
    min: 0,
    max: 1_000_000,
    unit: "requests/s",
    meaning:
      "Requests of one client (see `rateKey`) in the long run; then 429 with Retry-After. 0 is no limit.",
  },
  rateBurst: {
    default: 1,
    min: 1,
    max: 1_000_000,
    unit: "requests",
    meaning: "Requests that one client may send at once; by default one second's worth.",
  },
  rateKeys: {
    default: 10_000,
    min: 1,
    max: 10_000_000,
    unit: "clients",
    meaning: "Clients that are kept apart; beyond, those that came longest ago start over.",
  },
  compressMinBytes: {
    default: 1024,
    min: 0,
    max: 1_073_741_824,
    unit: "bytes",
    meaning: "With `compress`: shorter answers are sent as they are.",
  },
} as const satisfies Record<string, NumberRow>;

export type RouteNumberOption = keyof typeof ROUTE_OPTIONS;

/** What `request.multipart(options)` takes as numbers. The whole body is bound by `maxBodyBytes`. */
export const MULTIPART_OPTIONS = {
  maxFiles: {
    default: 10,
    min: 0,
    max: 10_000,
    unit: "files",
    meaning: "More files in one form are answered 413.",
  },
  maxFileBytes: {
    default: 10_485_760,
    min: 0,
    max: 1_099_511_627_776,
    unit: "bytes",
    meaning: "A larger file is answered 413.",
  },
  maxFields: {
    default: 100,
    min: 0,
    max: 100_000,
    unit: "fields",
    meaning: "More fields in one form are answered 413.",
  },
  maxFieldBytes: {
    default: 65_536,
    min: 0,
    max: 16_777_216,
    unit: "bytes",
    meaning: "A longer field is answered 413.",
  },
} as const satisfies Record<string, NumberRow>;

export type MultipartNumberOption = keyof typeof MULTIPART_OPTIONS;

export type NumberOption = keyof typeof SERVER_OPTIONS;

/** Which loop carries the server: `"auto"` takes `"epoll"` where it is supported. */
export type LoopChoice = "auto" | "epoll" | "node";
const LOOPS: readonly LoopChoice[] = ["auto", "epoll", "node"];

/** All limits and timeouts; see {@link SERVER_OPTIONS} for defaults, bounds and units. */
export type ServerOptions = { readonly [K in NumberOption]?: number } & Partial<OtherOptions>;

export type ResolvedOptions = { readonly [K in NumberOption]: number } & OtherOptions;

/** The options that are no numbers. */
export interface OtherOptions {
  readonly loop: LoopChoice;
  /** Addresses, ranges, `loopback` or `private`: the peers whose word on the client's address is taken. Default none. */
  readonly trustedProxies: readonly string[];
  /** Which fields trusted proxies write. Default `"x-forwarded"`. */
  readonly forwardedBy: ForwardedBy;
  /**
   * Every connection begins with a PROXY header (version 1 or 2); one without is closed, and so is one of a peer that
   * is not among `trustedProxies`, when there are any. Default `false`.
   */
  readonly proxyProtocol: boolean;
  /** Counts requests, bytes, durations and more for `app.stats()`: see {@link StatsOptions}. Default `false`. */
  readonly stats: boolean | Partial<StatsOptions>;
  /** Writes a line for each request: see {@link AccessLogOptions}. Default `false`. */
  readonly accessLog: boolean | Partial<AccessLogOptions>;
}

const OTHER_DEFAULTS: OtherOptions = {
  loop: "auto",
  trustedProxies: [],
  forwardedBy: "x-forwarded",
  proxyProtocol: false,
  stats: false,
  accessLog: false,
};

/** What each of them may be. */
export const OTHER_RULES: {
  readonly [K in keyof OtherOptions]: readonly [allowed: string, (value: unknown) => boolean];
} = {
  loop: [LOOPS.join(", "), (value) => LOOPS.includes(value as LoopChoice)],
  trustedProxies: [
    "a list of addresses and ranges",
    (value) => Array.isArray(value) && value.every((one) => typeof one === "string"),
  ],
  forwardedBy: ["x-forwarded, forwarded", (value) => value === "x-forwarded" || value === "forwarded"],
  proxyProtocol: ["true, false", (value) => typeof value === "boolean"],
  stats: ["true, false, an object", (value) => typeof value === "boolean" || isObject(value)],
  accessLog: ["true, false, an object", (value) => typeof value === "boolean" || isObject(value)],
};

/**
 * Fills in defaults.
 * @throws ServerError `TZ_SERVER_OPTION` naming the option, the value and what is allowed
 */
export function resolveOptions(options: ServerOptions = {}): ResolvedOptions {
  const resolved: Record<string, unknown> = { ...OTHER_DEFAULTS };
  for (const [name, row] of Object.entries(SERVER_OPTIONS)) resolved[name] = row.default;
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (Object.hasOwn(OTHER_RULES, name)) {
      const [allowed, fits] = OTHER_RULES[name as keyof OtherOptions];
      if (!fits(value)) {
        throw new ServerError("TZ_SERVER_OPTION", `${name} is ${show(value)}; allowed: ${allowed}`);
      }
    } else {
      const row: NumberRow | undefined = Object.hasOwn(SERVER_OPTIONS, name)
        ? SERVER_OPTIONS[name as NumberOption]
        : undefined;
      if (row === undefined) {
        throw new ServerError(
          "TZ_SERVER_OPTION",
          `unknown option ${show(name)}; allowed: ${Object.keys({ ...OTHER_RULES, ...SERVER_OPTIONS }).join(", ")}`,
        );
      }
      checkNumber(name, value, row);
    }
    resolved[name] = value;
  }
  // Says at once what it does not know.
  resolveStats(resolved.stats as OtherOptions["stats"]);
  resolveAccessLog(resolved.accessLog as OtherOptions["accessLog"]);
  return resolved as unknown as ResolvedOptions;
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

/** @throws ServerError `TZ_SERVER_OPTION` */
export function checkNumber(name: string, value: unknown, row: NumberRow): void {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < row.min || value > row.max) {
    throw new ServerError(
      "TZ_SERVER_OPTION",
      `${name} is ${show(value)}; allowed: a whole number of ${row.unit} from ${row.min} to ${row.max}`,
    );
  }
}

function show(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
