import type { NumberOptions, NumberTable } from "../option-table.js";

const MiB = 1024 * 1024;
const DAY_MS = 86_400_000;

export const PROXY_LIMITS = {
  maxConnections: {
    default: 10_000,
    min: 1,
    max: 1_000_000,
    unit: "connections",
    meaning: "Proxied at a time; further ones are answered 503.",
  },
  connectTimeoutMs: {
    default: 10_000,
    min: 10,
    max: 600_000,
    unit: "ms",
    meaning: "From the request to the upstream's answer.",
  },
  maxMessageBytes: {
    default: 64 * MiB,
    min: 1,
    max: 1024 * MiB,
    unit: "bytes",
    meaning: "Largest message that passes, as it is sent; `frames` only.",
  },
  maxFragments: {
    default: 131_072,
    min: 1,
    max: 2 ** 31 - 1,
    unit: "frames",
    meaning: "Frames that one message may have; `frames` only.",
  },
  pingIntervalMs: {
    default: 30_000,
    min: 0,
    max: DAY_MS,
    unit: "ms",
    meaning:
      "A client that is silent for so long is pinged, and given up after twice as long; 0 never; `frames` only.",
  },
  idleTimeoutMs: {
    default: 0,
    min: 0,
    max: DAY_MS,
    unit: "ms",
    meaning: "A connection on which neither side says anything for so long is closed; 0 never.",
  },
  maxTimeMs: {
    default: 0,
    min: 0,
    max: 30 * DAY_MS,
    unit: "ms",
    meaning: "A connection is closed after so long in any case; 0 never.",
  },
} as const satisfies NumberTable;

export type ProxyLimits = NumberOptions<typeof PROXY_LIMITS>;
