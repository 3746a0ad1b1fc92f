/**
 * Coverage-guided fuzzing: inputs that reach new blocks (V8's block coverage) are kept and changed further.
 * `npm --prefix packages/http1 run fuzz -- [TARGET …] [--seconds N] [--seed N]`; all targets by default, 20 s each.
 *
 * Inputs run in batches, because asking for coverage takes longer than parsing; only a batch that reached something
 * new is taken apart.
 */
import { parseArgs } from "node:util";
import { keep, readCorpus } from "./corpus.js";
import { Coverage } from "./coverage.js";
import { Mutator } from "./mutate.js";
import { INPUT_BYTES_MAX, TARGETS, type Target } from "./targets.js";

const BATCH = 256;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "20" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
  },
});

interface Summary {
  runs: number;
  failures: number;
}

function fuzz(name: string, target: Target, seconds: number, seed: number): Summary {
  const coverage = new Coverage();
  const mutator = new Mutator(seed, target.words, INPUT_BYTES_MAX);
  const corpus: Buffer[] = [];
  const summary: Summary = { runs: 0, failures: 0 };

  const run = (input: Buffer) => {
    summary.runs++;
    try {
      target.run(input);
    } catch (error) {
      summary.failures++;
      process.stderr.write(`${name}: ${keep(name, input, "crash-")}: ${(error as Error).message}\n`);
    }
  };

  /** Runs again in halves to find what reached new blocks. */
  const takeApart = (inputs: readonly Buffer[]) => {
    for (const input of inputs) run(input);
    const found = coverage.take();
    if (found.fresh === 0) return;
    if (inputs.length === 1) {
      found.keep();
      corpus.push(inputs[0]!);
      return;
    }
    const half = inputs.length >> 1;
    takeApart(inputs.slice(0, half));
    takeApart(inputs.slice(half));
  };

  const stored = readCorpus(name);
  for (const input of [...target.seeds.map((text) => Buffer.from(text, "latin1")), ...stored])
    takeApart([input]);
  if (corpus.length === 0) corpus.push(Buffer.from(target.seeds[0]!, "latin1"));
  const before = corpus.length;
  const blocksBefore = coverage.blocks;

  const end = Date.now() + seconds * 1000;
  while (Date.now() < end && summary.failures < 10) {
    const batch = Array.from({ length: BATCH }, () =>
      mutator.mutate(corpus[mutator.below(corpus.length)]!, corpus[mutator.below(corpus.length)]!),
    );
    for (const input of batch) run(input);
    if (coverage.take().fresh > 0) takeApart(batch);
  }
  for (const input of corpus.slice(before)) keep(name, input);
  console.log(
    `${name}: ${summary.runs.toLocaleString("en")} runs in ${seconds} s, ${blocksBefore} → ${coverage.blocks} blocks, ` +
      `${stored.length} inputs kept before, ${corpus.length - before} new, ${summary.failures} failures (seed ${seed})`,
  );
  coverage.stop();
  return summary;
}

const names = positionals.length > 0 ? positionals : Object.keys(TARGETS);
for (const name of names) {
  const target = TARGETS[name];
  if (target === undefined) {
    process.stderr.write(`No target ${name}; there are ${Object.keys(TARGETS).join(", ")}\n`);
    process.exitCode = 2;
    break;
  }
  if (fuzz(name, target, Number(values.seconds), Number(values.seed)).failures > 0) process.exitCode = 1;
}
