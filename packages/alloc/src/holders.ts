import { AllocError, shown } from "./errors.js";

/**
 * A capacity written as a sum: each holder by name with the most it ever holds, so that the sum is provably
 * enough and a reader sees why it is what it is. A number stands for one holder named "all".
 */
export type Capacity = number | { readonly [holder: string]: number };

/** The shares of a capacity, by holder id (the position of its name). */
export interface Shares {
  readonly names: readonly string[];
  readonly limits: readonly number[];
  readonly total: number;
}

/**
 * @throws AllocError `TZ_ALLOC_OPTION` when a share is not an integer from 1 to `max`, the sum is above `max`, or
 * there are more than 255 holders or none.
 */
export function readCapacity(structure: string, capacity: unknown, max: number): Shares {
  const entries: [string, unknown][] =
    typeof capacity === "object" && capacity !== null ? Object.entries(capacity) : [["all", capacity]];
  const limits: number[] = [];
  let total = 0;
  for (const [name, slots] of entries) {
    if (!(typeof slots === "number" && Number.isInteger(slots) && slots >= 1 && slots <= max)) {
      throw new AllocError(
        "TZ_ALLOC_OPTION",
        `${structure}: option "capacity" (holder "${name}") must be an integer from 1 to ${max}, got ${shown(slots)}`,
      );
    }
    limits.push(slots);
    total += slots;
  }
  if (entries.length < 1 || entries.length > 255 || total > max) {
    throw new AllocError(
      "TZ_ALLOC_OPTION",
      `${structure}: option "capacity" must have 1 to 255 holders and a sum of at most ${max}, got ${entries.length} with a sum of ${total}`,
    );
  }
  return { names: entries.map(([name]) => name), limits, total };
}

/** "64 connections + 32 requests = 96" */
export function describeShares({ names, limits, total }: Shares): string {
  return `${names.map((name, i) => `${limits[i]} ${name}`).join(" + ")}${names.length > 1 ? ` = ${total}` : ""}`;
}
