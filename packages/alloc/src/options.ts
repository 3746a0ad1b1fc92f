import { AllocError, shown } from "./errors.js";

/** One numeric option: what it is when not given, the values it takes, and the unit of those values. */
export interface NumberRule {
  /** NaN for an option that must be given. */
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
  /** Fractions are refused unless this is set. */
  readonly fraction?: true;
  readonly powerOfTwo?: true;
}

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

/**
 * Every numeric option of the package, by structure: the constructors validate with it and the reference page
 * is made from it.
 */
export const ALLOC_OPTIONS = {
  SharedSlabPool: {
    slotBytes: { default: Number.NaN, min: 1, max: GiB, unit: "bytes" },
    capacity: { default: Number.NaN, min: 1, max: 2 ** 24 - 2, unit: "slots" },
    alignmentBytes: { default: 64, min: 8, max: 4096, unit: "bytes", powerOfTwo: true },
    magazineSlots: { default: 32, min: 0, max: 4096, unit: "slots" },
  },
  SpscRing: {
    recordBytes: { default: Number.NaN, min: 1, max: 16 * MiB, unit: "bytes" },
    capacity: { default: Number.NaN, min: 2, max: 2 ** 24, unit: "records", powerOfTwo: true },
    capacityBytes: { default: Number.NaN, min: 64, max: GiB, unit: "bytes", powerOfTwo: true },
  },
  MpmcQueue: {
    recordBytes: { default: Number.NaN, min: 1, max: 16 * MiB, unit: "bytes" },
    capacity: { default: Number.NaN, min: 2, max: 2 ** 20, unit: "records", powerOfTwo: true },
  },
  TimerWheel: {
    tickMs: { default: 1, min: 0.1, max: 3_600_000, unit: "ms", fraction: true },
    slots: { default: 256, min: 16, max: 4096, unit: "slots a level", powerOfTwo: true },
  },
  Arena: {
    chunkBytes: { default: 64 * KiB, min: 64, max: GiB, unit: "bytes" },
    limitBytes: { default: 64 * MiB, min: 64, max: 4 * GiB, unit: "bytes" },
  },
  ArenaSet: {
    idleArenasMax: { default: 256, min: 0, max: 1_000_000, unit: "arenas a lifetime" },
  },
  ObjectPool: {
    capacity: { default: Number.NaN, min: 1, max: 2 ** 24, unit: "objects" },
    objectBytes: { default: 0, min: 0, max: GiB, unit: "bytes" },
  },
  SizeClassAllocator: {
    chunkBytes: { default: MiB, min: 64 * KiB, max: GiB, unit: "bytes", powerOfTwo: true },
    limitBytes: { default: GiB, min: 64 * KiB, max: 4 * GiB, unit: "bytes" },
    classesPerDoubling: { default: 8, min: 1, max: 16, unit: "classes", powerOfTwo: true },
    decayMs: { default: 10_000, min: 0, max: 86_400_000, unit: "ms" },
    dirtyPercentMax: { default: 5, min: 0, max: 1000, unit: "% of the active bytes" },
  },
  SlabPool: {
    slotBytes: { default: Number.NaN, min: 1, max: GiB, unit: "bytes" },
    capacity: { default: Number.NaN, min: 1, max: 2 ** 26, unit: "slots" },
    alignmentBytes: { default: 8, min: 1, max: 4096, unit: "bytes", powerOfTwo: true },
  },
} as const satisfies Record<string, Record<string, NumberRule>>;

/**
 * Refuses option names that a structure does not have.
 *
 * @throws AllocError `TZ_ALLOC_OPTION`, naming the option and the known ones.
 */
export function refuseUnknown(structure: string, given: object, known: readonly string[]): void {
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) {
      throw new AllocError(
        "TZ_ALLOC_OPTION",
        `${structure}: unknown option "${name}"; known are ${known.join(", ")}`,
      );
    }
  }
}

/**
 * One numeric option after validation.
 *
 * @throws AllocError `TZ_ALLOC_OPTION`, naming the option, the value and the bounds.
 */
export function numberOption(structure: string, name: string, given: unknown, rule: NumberRule): number {
  if (given === undefined && !Number.isNaN(rule.default)) return rule.default;
  const fits =
    typeof given === "number" &&
    given >= rule.min &&
    given <= rule.max &&
    (rule.fraction === true || Number.isInteger(given)) &&
    (rule.powerOfTwo !== true || isPowerOfTwo(given));
  if (fits) return given;
  const kind = rule.powerOfTwo ? "a power of two" : rule.fraction ? "a number" : "an integer";
  throw new AllocError(
    "TZ_ALLOC_OPTION",
    `${structure}: option "${name}" must be ${kind} from ${rule.min} to ${rule.max} (${rule.unit}), got ${shown(given)}`,
  );
}

/** An option that is a function, or the default. */
export function functionOption<T>(structure: string, name: string, given: unknown, fallback: T): T {
  if (given === undefined) return fallback;
  if (typeof given === "function") return given as T;
  throw new AllocError(
    "TZ_ALLOC_OPTION",
    `${structure}: option "${name}" must be a function, got ${shown(given)}`,
  );
}

/** An option that is true or false; false when not given. */
export function booleanOption(structure: string, name: string, given: unknown): boolean {
  if (given === undefined) return false;
  if (typeof given === "boolean") return given;
  throw new AllocError(
    "TZ_ALLOC_OPTION",
    `${structure}: option "${name}" must be true or false, got ${shown(given)}`,
  );
}

/** The name of a structure in statistics and messages; its kind when not given. */
export function nameOption(structure: string, given: unknown): string {
  if (given === undefined) return structure;
  if (typeof given === "string" && given.length > 0 && given.length <= 100) return given;
  throw new AllocError(
    "TZ_ALLOC_OPTION",
    `${structure}: option "name" must be a string of 1 to 100 characters, got ${shown(given)}`,
  );
}

/** True for 1, 2, 4, … up to 2 ** 53. */
export function isPowerOfTwo(value: number): boolean {
  return value >= 1 && Number.isSafeInteger(value) && Number.isInteger(Math.log2(value));
}
