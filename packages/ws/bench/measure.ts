import { performance } from "node:perf_hooks";

export interface Contender {
  readonly name: string;
  /** One batch of work. */
  readonly run: () => void | Promise<void>;
  /** Operations in a batch. */
  readonly operations: number;
}

export interface Figure {
  readonly name: string;
  /** Median of the rounds. */
  readonly nsPerOperation: number;
  /** Median of the rounds' own ratios to the last contender. */
  readonly ratioToLast: number;
}

/** `--quick` runs everything once and short: for the tests, which look at the checks and not at the figures. */
export const quick = process.argv.includes("--quick");

const ROUNDS = quick ? 1 : 7;
const ROUND_MS = quick ? 5 : 120;

/** Runs the contenders in turn, A B A B …, for several rounds. */
export async function compare(contenders: readonly Contender[]): Promise<Figure[]> {
  const rounds: number[][] = contenders.map(() => []);
  for (const contender of contenders) await oneRound(contender);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [at, contender] of contenders.entries()) rounds[at]!.push(await oneRound(contender));
  }
  const last = rounds.at(-1)!;
  return contenders.map(({ name }, at) => ({
    name,
    nsPerOperation: median(rounds[at]!),
    ratioToLast: median(rounds[at]!.map((ns, round) => ns / last[round]!)),
  }));
}

async function oneRound({ run, operations }: Contender): Promise<number> {
  let batches = 0;
  const start = performance.now();
  let now = start;
  do {
    const pending = run();
    if (pending !== undefined) await pending;
    batches++;
    now = performance.now();
  } while (now - start < ROUND_MS);
  return ((now - start) * 1e6) / (batches * operations);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function table(title: string, columns: readonly string[], rows: readonly (readonly string[])[]): void {
  console.log(`\n### ${title}\n`);
  console.log(`| ${columns.join(" | ")} |`);
  console.log(`|${columns.map(() => "---|").join("")}`);
  for (const row of rows) console.log(`| ${row.join(" | ")} |`);
}

export function check(right: boolean, what: string): void {
  if (!right) throw new Error(`disqualified: ${what}`);
}

export const perSecond = (ns: number): string => `${(1000 / ns).toPrecision(3)} M/s`;
export const gigabytes = (bytes: number, ns: number): string => `${(bytes / ns).toPrecision(3)} GB/s`;
export const times = (ratio: number): string => `${ratio >= 10 ? Math.round(ratio) : ratio.toPrecision(2)} ×`;
