import { ServerError } from "../errors.js";
import { checkNumber } from "../options.js";
import { availableCores } from "./available-cores.js";
import type { WorkerEvent } from "./worker-events.js";

const SECOND = 1000;
const HOUR = 3600 * SECOND;

/** What `listen({ workers: { … } })` takes as numbers. */
export const WORKER_OPTIONS = {
  blockedMs: {
    default: 10 * SECOND,
    min: 0,
    max: HOUR,
    unit: "ms",
    meaning: "A worker whose event loop stands still for this long is replaced; 0 is never.",
  },
  startTimeoutMs: {
    default: 30 * SECOND,
    min: 100,
    max: HOUR,
    unit: "ms",
    meaning: "A worker that does not listen by then has failed.",
  },
  drainTimeoutMs: {
    default: 10 * SECOND,
    min: 0,
    max: 24 * HOUR,
    unit: "ms",
    meaning: "How long requests of an old generation may take to finish before they are cut.",
  },
  idleGraceMs: {
    default: 5 * SECOND,
    min: 0,
    max: HOUR,
    unit: "ms",
    meaning: "How long an old generation keeps idle connections: their next answer says close.",
  },
  stableMs: {
    default: 10 * SECOND,
    min: 0,
    max: HOUR,
    unit: "ms",
    meaning:
      "A worker that ends before it served this long has failed quickly: its successors wait, longer each time.",
  },
  restartDelayMsMax: {
    default: 30 * SECOND,
    min: 0,
    max: HOUR,
    unit: "ms",
    meaning: "The longest such wait; the first successor does not wait, the next waits 100 ms.",
  },
} as const;

type WorkerNumber = keyof typeof WORKER_OPTIONS;

export interface WorkersOptions extends Partial<Record<WorkerNumber, number>> {
  /** Worker processes; `"auto"`: one for each processor that this process may use. Default `"auto"`. */
  readonly count?: number | "auto";
  /** Each worker runs on one processor (Linux). Default `false`. */
  readonly pin?: boolean;
  /** SIGHUP reloads and SIGUSR2 hands over to a new program. Default `true`. */
  readonly signals?: boolean;
  /** Told of everything that happens to workers; also on the channel `tz:server:worker`. */
  readonly onEvent?: (event: WorkerEvent) => void;
}

export interface ResolvedWorkers extends Readonly<Record<WorkerNumber, number>> {
  readonly count: number;
  readonly pin: boolean;
  readonly signals: boolean;
  readonly onEvent: ((event: WorkerEvent) => void) | undefined;
}

export const WORKERS_MAX = 256;

/**
 * @returns `undefined` when nothing is to be spawned: not given, or `1`
 * @throws ServerError `TZ_SERVER_OPTION`
 */
export function resolveWorkers(
  given: number | "auto" | WorkersOptions | undefined,
): ResolvedWorkers | undefined {
  if (given === undefined || given === 1) return undefined;
  const options: WorkersOptions = typeof given === "object" && given !== null ? given : { count: given };
  const { count = "auto", pin = false, signals = true, onEvent, ...numbers } = options;
  if (count !== "auto") {
    const row = { min: 1, max: WORKERS_MAX, unit: `processes, or "auto"`, default: 1, meaning: "" };
    checkNumber("workers", count, row);
  }
  for (const [name, value] of Object.entries({ pin, signals })) {
    if (typeof value !== "boolean") throw refusal(name, value, "true, false");
  }
  if (onEvent !== undefined && typeof onEvent !== "function") throw refusal("onEvent", onEvent, "a function");
  const resolved: Partial<Record<WorkerNumber, number>> = {};
  for (const [name, row] of Object.entries(WORKER_OPTIONS)) resolved[name as WorkerNumber] = row.default;
  for (const [name, value] of Object.entries(numbers)) {
    if (!Object.hasOwn(WORKER_OPTIONS, name)) {
      const allowed = ["count", "pin", "signals", "onEvent", ...Object.keys(WORKER_OPTIONS)].join(", ");
      throw new ServerError("TZ_SERVER_OPTION", `unknown option workers.${name}; allowed: ${allowed}`);
    }
    if (value === undefined) continue;
    checkNumber(`workers.${name}`, value, WORKER_OPTIONS[name as WorkerNumber]);
    resolved[name as WorkerNumber] = value;
  }
  return {
    ...(resolved as Record<WorkerNumber, number>),
    count: count === "auto" ? Math.min(availableCores(), WORKERS_MAX) : count,
    pin,
    signals,
    onEvent,
  };
}

function refusal(name: string, value: unknown, allowed: string): ServerError {
  return new ServerError("TZ_SERVER_OPTION", `workers.${name} is ${String(value)}; allowed: ${allowed}`);
}
