/** What is to be reached. `npm run bench -- --check` compares the figures with it. */

/** Cost of the subject as a part of the cost of `against`: at most `ratioMax`, median of the rounds. */
export interface RatioGoal {
  readonly scenario: string;
  /** Name of the table within the scenario; absent when it has one. */
  readonly table?: string;
  readonly against: string;
  readonly ratioMax: number;
}

/** The figure of one target: at most or at least so much. */
export interface FigureGoal {
  readonly scenario: string;
  readonly table?: string;
  readonly target: string;
  /** `figure`: what the table compares; `requestsPerSecond`: of servers. */
  readonly of: "figure" | "requestsPerSecond";
  readonly max?: number;
  readonly min?: number;
  readonly unit: string;
}

export type Goal = RatioGoal | FigureGoal;

const ratio = (scenario: string, against: string, ratioMax: number, table?: string): RatioGoal => ({
  scenario,
  against,
  ratioMax,
  ...(table !== undefined && { table }),
});

const gateway = (table: string, max: number, unit: string, target = "cloudterm"): FigureGoal => ({
  scenario: "cloudterm",
  table,
  target,
  of: "figure",
  max,
  unit,
});

export const GOALS: readonly Goal[] = [
  ratio("hot", "limit", 1.15),
  ratio("hot", "nginx", 0.7),
  ratio("hot", "h2o", 0.92),
  ratio("hot", "lighttpd", 0.85),
  ratio("hot", "uws", 1.05),
  ratio("hot", "bun", 1.02),
  ratio("hot", "node-http", 0.45),
  ratio("hot", "sirv", 0.12),
  ratio("hot", "fastify-static", 0.07),
  ratio("hot", "express", 0.05),
  ratio("workers", "tz-static", 1.1),
  // Two workers give 1.8 times the answers of one process.
  ratio("busy-workers", "tz-busy-1", 0.556, "time"),
  ratio("busy-workers", "tz-busy-1", 1.1, "cpu"),
  ratio("browser-headers", "nginx", 0.75),
  ratio("cold", "nginx-cold", 0.9),
  ratio("pipelined", "nginx", 0.5),
  // In CPU time, which does not depend on what else the machine does.
  {
    scenario: "pipelined",
    target: "tz-static",
    of: "figure",
    max: 2.5,
    unit: "µs: 400,000 requests/s of one core",
  },
  // 1.6 × 10 Gbit/s in bodies of 64 KiB.
  {
    scenario: "sizes",
    table: "64 KB",
    target: "tz-static",
    of: "figure",
    max: 32.77,
    unit: "µs: 16 Gbit/s of one core",
  },
  ratio("sizes", "nginx", 0.75, "64 KB"),
  ratio("sizes", "nginx", 0.75, "1 MB"),
  ratio("sizes", "nginx", 1, "100 MB"),
  ratio("https", "nginx-tls", 0.9),
  ratio("handshakes", "nginx-tls", 1.2),
  ratio("http2", "nginx-tls", 1),
  ratio("json", "fastify", 0.4),
  ratio("json", "hono-node", 0.4),
  ratio("json", "bun-json", 1),
  ratio("validate", "fastify", 0.4),
  ratio("validate", "hono-node", 0.4),
  ratio("validate", "bun-json", 1),
  ratio("parse", "picohttpparser", 1.1, "offsets"),
  ratio("parse", "llhttp", 0.15, "heads"),
  ratio("startup", "node-http", 1.5, "time"),
  { scenario: "startup", table: "time", target: "tz-static", of: "figure", max: 150, unit: "ms" },
  { scenario: "startup", table: "memory", target: "tz-static", of: "figure", max: 65, unit: "MiB" },
  ratio("ws-echo", "ws", 0.4, "125 B"),
  ratio("ws-echo", "ws", 0.4, "16 KB"),
  ratio("ws-echo", "bun-ws", 1.1, "125 B"),
  ratio("ws-echo", "bun-ws", 1.1, "16 KB"),
  ...["125 B", "16 KB", "bulk"].flatMap((table) => [
    ratio("ws-proxy", "nginx-proxy", 0.8, table),
    ratio("ws-proxy", "http-proxy-3", 0.3, table),
  ]),
  ratio("ws-proxy", "nginx-proxy", 0.8, "bulk, frames"),
  ratio("ws-proxy", "http-proxy-3", 0.3, "bulk, frames"),
  { scenario: "ws-proxy", table: "p99", target: "tz-splice", of: "figure", max: 1000, unit: "µs" },
  { scenario: "ws-proxy", table: "p99", target: "tz-frames", of: "figure", max: 1000, unit: "µs" },
  {
    scenario: "ws-proxy",
    table: "bulk time",
    target: "tz-frames",
    of: "figure",
    max: 1,
    unit: "s for 100 MB",
  },
  ratio("ws-proxy", "tz-frames", 1, "bulk time"),
  ratio("latency-at-rate", "nginx", 1, "p99"),
  {
    scenario: "idle-connections",
    table: "memory",
    target: "tz-static",
    of: "figure",
    max: 600,
    unit: "bytes",
  },
  {
    scenario: "idle-connections",
    table: "held",
    target: "tz-workers",
    of: "figure",
    min: 100_000,
    unit: "connections",
  },
  gateway("p50 above", 500, "µs above the bare terminal"),
  gateway("p99 above", 2000, "µs above the bare terminal"),
  gateway("p50 above", 500, "µs beside stalled readers", "cloudterm-stalled"),
  gateway("p99 above", 2000, "µs beside stalled readers", "cloudterm-stalled"),
  // A ring of 1 MiB, a window of 256 KiB, and what the loop holds for a socket.
  gateway("stalled", 2, "MiB for each stalled reader"),
  gateway("output", 1, "s for 100 MB"),
  gateway("sessions", 19.07, "MiB (20 MB) for 10,000 sessions"),
  ratio("cloudterm", "one-thread", 0.6, "bcrypt"),
  gateway("loop", 5, "ms that the loop is late", "two-threads"),
  {
    scenario: "one-million",
    target: "one-million-2",
    of: "requestsPerSecond",
    min: 100_000,
    unit: "requests/s",
  },
];
