import { AllocError, shown } from "./errors.js";

/**
 * What a full structure does: throw `TZ_ALLOC_CAPACITY`, return `null`, or call a function. The function may make
 * room; when it returns true the call is tried once more, and when there is still no room it returns `null`.
 */
export type AtCapacity = "throw" | "null" | (() => boolean);

/** `T`, or `null` too where the structure does not throw when it is full. */
export type OrNull<T, Full extends AtCapacity> = Full extends "throw" ? T : T | null;

/** @throws AllocError `TZ_ALLOC_OPTION` */
export function atCapacityOption(structure: string, given: unknown): AtCapacity {
  if (given === undefined) return "throw";
  if (given === "throw" || given === "null" || typeof given === "function") return given as AtCapacity;
  throw new AllocError(
    "TZ_ALLOC_OPTION",
    `${structure}: option "atCapacity" must be "throw", "null" or a function, got ${shown(given)}`,
  );
}

/** True when the caller should try once more, false when it should return `null`. */
export function retryAtCapacity(atCapacity: AtCapacity, describe: () => string): boolean {
  if (atCapacity === "throw") throw new AllocError("TZ_ALLOC_CAPACITY", describe());
  return atCapacity !== "null" && atCapacity();
}
