import { shown, WsError } from "./errors.js";

const KiB = 1024;
const MiB = 1024 * KiB;

interface NumberRule {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
  readonly meaning: string;
}

interface BooleanRule {
  readonly default: boolean;
  readonly meaning: string;
}

/** Limits, timing and answers of a connection. Validation, types and the reference page come from this table. */
export const CONNECTION_OPTIONS = {
  maxMessageBytes: {
    default: 16 * MiB,
    min: 0,
    max: 1024 * MiB,
    unit: "bytes",
    meaning:
      "largest message that is accepted, as sent and as inflated; above it the connection fails with 1009",
  },
  maxFragments: {
    default: 131_072,
    min: 1,
    max: 2 ** 31 - 1,
    unit: "frames",
    meaning: "frames that one message may have; above it the connection fails with 1008",
  },
  maxBufferedBytes: {
    default: 4 * MiB,
    min: 0,
    max: 4096 * MiB,
    unit: "bytes",
    meaning:
      "a send that finds this much still waiting ends the connection: memory is bounded by it and one message",
  },
  maxControlFramesPerSecond: {
    default: 500,
    min: 1,
    max: 1_000_000,
    unit: "frames",
    meaning:
      "pings and pongs that are accepted between ticks of a second; above it the connection fails with 1008",
  },
  pingIntervalMs: {
    default: 30_000,
    min: 0,
    max: 86_400_000,
    unit: "ms",
    meaning: "a ping is sent when nothing was received for this long; 0 sends none",
  },
  idleTimeoutMs: {
    default: 120_000,
    min: 0,
    max: 86_400_000,
    unit: "ms",
    meaning: "the connection is ended when nothing was received for this long; 0 waits for ever",
  },
  closeTimeoutMs: {
    default: 10_000,
    min: 0,
    max: 600_000,
    unit: "ms",
    meaning: "how long the peer has to finish the closing handshake",
  },
  autoPong: { default: true, meaning: "answer pings; the last one alone when the peer does not read" },
} as const satisfies Record<string, NumberRule | BooleanRule>;

/** permessage-deflate (RFC 7692). */
export const DEFLATE_OPTIONS = {
  level: {
    default: 3,
    min: 0,
    max: 9,
    unit: "zlib level",
    meaning: "effort of compression: more is shorter and slower",
  },
  memoryLevel: {
    default: 8,
    min: 1,
    max: 9,
    unit: "zlib memLevel",
    meaning: "memory of a compressor: 2^(memoryLevel + 9) bytes beside its window",
  },
  thresholdBytes: {
    default: 1024,
    min: 0,
    max: 1024 * MiB,
    unit: "bytes",
    meaning: "shorter messages are sent as they are",
  },
  serverMaxWindowBits: {
    default: 15,
    min: 8,
    max: 15,
    unit: "bits",
    meaning: "window of the server's compressor, `server_max_window_bits`",
  },
  clientMaxWindowBits: {
    default: 15,
    min: 8,
    max: 15,
    unit: "bits",
    meaning: "window of the client's compressor, `client_max_window_bits`",
  },
  serverContextTakeover: {
    default: false,
    meaning:
      "the server's compressor keeps its window from message to message: smaller messages for about 260 KiB a connection",
  },
  clientContextTakeover: {
    default: false,
    meaning: "the client's compressor keeps its window; the server then holds about 40 KiB a connection",
  },
} as const satisfies Record<string, NumberRule | BooleanRule>;

type Rules = Readonly<Record<string, NumberRule | BooleanRule>>;

/** Every option of a table with its value. */
export type Settings<Table extends Rules> = {
  readonly [Name in keyof Table]: Table[Name]["default"] extends boolean ? boolean : number;
};

export type ConnectionSettings = Settings<typeof CONNECTION_OPTIONS>;
export type ConnectionOptions = Partial<ConnectionSettings>;
export type DeflateSettings = Settings<typeof DEFLATE_OPTIONS>;
export type DeflateOptions = Partial<DeflateSettings>;

/**
 * The settings of a connection: what is given, and defaults. Make them once for all connections of a server.
 *
 * @throws WsError `TZ_WS_OPTION`, naming the option, the value and the bounds
 */
export function connectionSettings(options: ConnectionOptions = {}): ConnectionSettings {
  return resolve("connection", options, CONNECTION_OPTIONS);
}

/** @throws WsError `TZ_WS_OPTION`, naming the option, the value and the bounds */
export function deflateSettings(options: DeflateOptions = {}): DeflateSettings {
  return resolve("deflate", options, DEFLATE_OPTIONS);
}

/** @throws WsError `TZ_WS_OPTION` for a name that is in none of the lists */
export function refuseUnknownOptions(owner: string, given: object, known: readonly string[]): void {
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    throw new WsError(
      "TZ_WS_OPTION",
      `${owner}: unknown option ${shown(name)}; known are ${known.join(", ")}`,
    );
  }
}

/** Those of the given options that a table has. */
export function pickOptions<Table extends Rules>(given: object, table: Table): Partial<Settings<Table>> {
  return Object.fromEntries(Object.entries(given).filter(([name]) => Object.hasOwn(table, name))) as Partial<
    Settings<Table>
  >;
}

function resolve<Table extends Rules>(owner: string, given: object, table: Table): Settings<Table> {
  refuseUnknownOptions(owner, given, Object.keys(table));
  const values: Record<string, number | boolean> = {};
  for (const [name, rule] of Object.entries(table)) {
    const own = (given as Record<string, unknown>)[name];
    const value = own === undefined ? rule.default : own;
    values[name] =
      typeof rule.default === "boolean"
        ? aBoolean(owner, name, value)
        : aNumber(owner, name, value, rule as NumberRule);
  }
  return Object.freeze(values) as Settings<Table>;
}

function aBoolean(owner: string, name: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw new WsError("TZ_WS_OPTION", `${owner}: option "${name}" must be true or false, got ${shown(value)}`);
}

function aNumber(owner: string, name: string, value: unknown, rule: NumberRule): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= rule.min && value <= rule.max)
    return value;
  throw new WsError(
    "TZ_WS_OPTION",
    `${owner}: option "${name}" must be an integer from ${rule.min} to ${rule.max} (${rule.unit}), got ${shown(value)}`,
  );
}
