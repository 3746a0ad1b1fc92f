import type { Contender, Target } from "./contenders.js";

/** Requests of a batch: enough that the clock does not matter, few enough that a batch is rarely interrupted. */
const BATCH = 1000;

/**
 * A new string for each request, as a server gets from its parser: a string that was used before carries its
 * hash, and V8 may have made it the key of a property.
 */
function freshTargets(targets: readonly Target[]): Target[] {
  return Array.from({ length: BATCH }, (_, index) => {
    const target = targets[index % targets.length]!;
    return { ...target, path: Buffer.from(target.path, "latin1").toString("latin1") };
  });
}

let sink = 0;

function timeBatch(work: (target: Target) => unknown, batch: readonly Target[]): number {
  const start = process.hrtime.bigint();
  for (let i = 0; i < batch.length; i++) if (work(batch[i]!) === undefined) sink++;
  return Number(process.hrtime.bigint() - start) / batch.length;
}

export interface Timing {
  readonly name: string;
  /** Median over the rounds. */
  readonly ns: number;
}

/**
 * Nanoseconds per request of each contender. Their batches alternate, so that what else the machine does hits
 * all of them.
 */
export function timeContenders(
  contenders: readonly Contender[],
  targets: readonly Target[],
  options: { readonly rounds: number; readonly reads: boolean; readonly freshStrings: boolean },
): Timing[] {
  const rounds = contenders.map((): number[] => []);
  const literal = Array.from({ length: BATCH }, (_, index) => targets[index % targets.length]!);
  const warmUp = Math.ceil(options.rounds / 4);
  for (let round = -warmUp; round < options.rounds; round++) {
    contenders.forEach((contender, index) => {
      const batch = options.freshStrings ? freshTargets(targets) : literal;
      const ns = timeBatch(options.reads ? contender.readByName : contender.find, batch);
      if (round >= 0) rounds[index]!.push(ns);
    });
  }
  return contenders.map(({ name }, index) => ({ name, ns: median(rounds[index]!) }));
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Keeps the optimizer from dropping the work. */
export function sunk(): number {
  return sink;
}
