import { type Contender, OURS, PEERS, targetsOf } from "./contenders.js";
import { TABLES, type Table } from "./tables.js";
import { timeContenders } from "./timing.js";

/** rou3 hands values out as they were sent: where a value is encoded its answer is another one, and no rival. */
function answersAlike(table: Table, { read, readByName }: Contender): boolean {
  const targets = targetsOf(table.requests);
  return table.requests.every(({ params }, index) => {
    const found = read(targets[index]!);
    if (found === undefined) return false;
    const names = Object.keys(params);
    const length = Object.values(params).reduce((sum, value) => sum + value.length, 0);
    if (readByName(targets[index]!) !== length) return false;
    return names.length === Object.keys(found).length && names.every((name) => found[name] === params[name]);
  });
}

export interface Comparison {
  readonly table: Table;
  /** Nanoseconds by contender; one whose answers are wrong is missing. */
  readonly ns: Readonly<Record<string, number>>;
}

export function compare(table: Table, rounds: number, reads: boolean): Comparison {
  const contenders = [...PEERS, ...OURS]
    .map((make) => make(table))
    .filter((contender) => answersAlike(table, contender));
  const missing = OURS.length - contenders.filter(({ name }) => name.startsWith("@tz/")).length;
  if (missing > 0) throw new Error(`@tz/router answers "${table.name}" wrongly`);
  const timings = timeContenders(contenders, targetsOf(table.requests), {
    rounds,
    reads,
    freshStrings: true,
  });
  return { table, ns: Object.fromEntries(timings.map(({ name, ns }) => [name, ns])) };
}

/**
 * The sum over the tables of one library's benchmark, as a part of the sum over the fastest of `rivals` in each.
 */
export function ratio(comparisons: readonly Comparison[], own: string, rivals: readonly string[]): number {
  let ours = 0;
  let theirs = 0;
  for (const { ns } of comparisons) {
    ours += ns[own]!;
    theirs += Math.min(...rivals.map((rival) => ns[rival] ?? Number.POSITIVE_INFINITY));
  }
  return ours / theirs;
}

export { TABLES };
