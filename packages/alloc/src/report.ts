import { AllocError, shown } from "./errors.js";
import type { Leak } from "./leak-tracker.js";
import type { MemoryStatistics } from "./statistics.js";

/** What can be reported: every structure of this package that has statistics. */
export interface Reportable {
  statistics(): MemoryStatistics | readonly MemoryStatistics[];
  leaks?(): readonly Leak[];
}

export interface LeakOf extends Leak {
  /** Name of the structure. */
  readonly name: string;
}

/** Statistics of several structures, as of one moment. `String(report)` is a table, `JSON.stringify(report)` all. */
export class Report {
  readonly structures: readonly MemoryStatistics[];
  readonly leaks: readonly LeakOf[];

  constructor(structures: readonly MemoryStatistics[], leaks: readonly LeakOf[]) {
    this.structures = structures;
    this.leaks = leaks;
  }

  toJSON(): { structures: readonly MemoryStatistics[]; leaks: readonly LeakOf[] } {
    return { structures: this.structures, leaks: this.leaks };
  }

  /** One line a structure, its parts below, and what is held in debug mode with the stacks that took it. */
  toString(): string {
    const rows = [HEADINGS];
    for (const structure of this.structures) {
      rows.push(structureRow(structure));
      for (const part of structure.parts) {
        const live = part.limit === undefined ? `${part.live}` : `${part.live}/${part.limit}`;
        rows.push([
          `  ${part.name}`,
          "",
          size(part.allocatedBytes),
          size(part.activeBytes),
          size(part.mappedBytes),
          "",
          "",
          "",
          "",
          "",
          `${live} (max ${part.liveMax})`,
        ]);
      }
    }
    return `${table(rows)}${this.#leakText()}`;
  }

  #leakText(): string {
    if (this.leaks.length === 0) return "";
    const entries = this.leaks.map(
      ({ name, id, bytes, ageMs, lost, stack }) =>
        `${name} ${id}: ${size(bytes)}, ${Math.round(ageMs)} ms old${lost ? ", lost" : ""}\n${stack}`,
    );
    return `\nheld (debug mode): ${this.leaks.length}\n${entries.join("\n")}\n`;
  }
}

/**
 * Reads the statistics, and in debug mode what is held, of several structures.
 *
 * @throws AllocError `TZ_ALLOC_OPTION` when one has no statistics
 */
export function report(...structures: readonly Reportable[]): Report {
  const rows: MemoryStatistics[] = [];
  const leaks: LeakOf[] = [];
  for (const structure of structures) {
    if (typeof structure?.statistics !== "function") {
      throw new AllocError("TZ_ALLOC_OPTION", `report: ${shown(structure)} has no statistics`);
    }
    const found = structure.statistics();
    const own = Array.isArray(found) ? (found as readonly MemoryStatistics[]) : [found as MemoryStatistics];
    rows.push(...own);
    const name = own.length === 1 ? own[0]!.name : (own[0]?.kind ?? "");
    for (const leak of structure.leaks?.() ?? []) leaks.push({ name, ...leak });
  }
  return new Report(rows, leaks);
}

const HEADINGS = [
  "name",
  "kind",
  "allocated",
  "active",
  "mapped",
  "retained",
  "internal",
  "external",
  "efficiency",
  "most mapped",
  "live",
];

function structureRow(statistics: MemoryStatistics): string[] {
  return [
    statistics.name,
    statistics.kind,
    size(statistics.allocatedBytes),
    size(statistics.activeBytes),
    size(statistics.mappedBytes),
    size(statistics.retainedBytes),
    percent(statistics.internalFragmentation),
    percent(statistics.externalFragmentation),
    percent(statistics.efficiency),
    size(statistics.highWater.mappedBytes),
    `${statistics.allocations - statistics.frees}`,
  ];
}

function percent(part: number): string {
  return `${(part * 100).toFixed(1)} %`;
}

/** Bytes with three digits and a unit. */
export function size(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${units[unit]}`;
}

/** The first column to the left, the others to the right. */
function table(rows: readonly string[][]): string {
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
        .join("  ")
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join("");
}
