import type { Reportable } from "@tz/alloc";
import { ServerError } from "../errors.js";

/** What `createServer({ stats: { … } })` takes. */
export interface StatsOptions {
  /** Counts which paths are asked for most, from samples. Default `false`. */
  readonly paths: boolean;
  /** Structures whose memory is shown: what `report()` of `@tz/alloc` takes. Those of mounts come by themselves. */
  readonly arenas: readonly Reportable[];
}

const NAMES = ["paths", "arenas"];

/**
 * @returns `undefined` when nothing is to be counted
 * @throws ServerError `TZ_SERVER_OPTION`
 */
export function resolveStats(given: boolean | Partial<StatsOptions>): StatsOptions | undefined {
  if (given === false) return undefined;
  const options = given === true ? {} : given;
  for (const name of Object.keys(options)) {
    if (!NAMES.includes(name)) {
      throw new ServerError("TZ_SERVER_OPTION", `unknown option stats.${name}; allowed: ${NAMES.join(", ")}`);
    }
  }
  const { paths = false, arenas = [] } = options;
  if (typeof paths !== "boolean") throw refusal("paths", paths, "true, false");
  if (!Array.isArray(arenas) || !arenas.every((one) => typeof one?.statistics === "function")) {
    throw refusal("arenas", arenas, "a list of structures with statistics()");
  }
  return { paths, arenas };
}

function refusal(name: string, value: unknown, allowed: string): ServerError {
  return new ServerError("TZ_SERVER_OPTION", `stats.${name} is ${String(value)}; allowed: ${allowed}`);
}
