import { parseArgs } from "node:util";

export interface Settings {
  readonly rounds: number;
  /** Length of one round of one target. */
  readonly seconds: number;
  readonly connections: number;
  /** Small inputs and few peers: shows that a scenario works, measures nothing. */
  readonly tiny: boolean;
  progress(line: string): void;
}

export interface CommandLine extends Settings {
  /** Names of scenarios; empty means all. */
  readonly scenarios: readonly string[];
  /** Folder for the results. */
  readonly out: string;
  readonly targets: readonly string[] | undefined;
  /** Also put the short tables into the README. */
  readonly publish: boolean;
  /** Compare the figures with the goals; without scenarios, those that were saved before. */
  readonly check: boolean;
}

const numbers = {
  rounds: { default: 5, min: 1, max: 1000 },
  seconds: { default: 3, min: 1, max: 600 },
  connections: { default: 64, min: 1, max: 10_000 },
} as const;

/** Reads `[scenario…] [--rounds N] [--seconds N] [--connections N] [--targets a,b] [--out DIR] [--publish] [--tiny] [--check]`. @throws Error in one line */
export function readCommandLine(args: readonly string[]): CommandLine {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: "string" },
      seconds: { type: "string" },
      connections: { type: "string" },
      targets: { type: "string" },
      out: { type: "string" },
      publish: { type: "boolean", default: false },
      tiny: { type: "boolean", default: false },
      check: { type: "boolean", default: false },
    },
  });
  const number = (name: keyof typeof numbers): number => {
    const row = numbers[name];
    const value = values[name] === undefined ? row.default : Number(values[name]);
    if (Number.isInteger(value) && value >= row.min && value <= row.max) return value;
    throw new Error(`--${name} ${values[name]}: allowed is a whole number from ${row.min} to ${row.max}`);
  };
  return {
    scenarios: positionals,
    rounds: number("rounds"),
    seconds: number("seconds"),
    connections: number("connections"),
    targets: values.targets?.split(","),
    publish: values.publish,
    tiny: values.tiny,
    check: values.check,
    out:
      values.out ??
      (values.publish || (values.check && positionals.length === 0) ? "docs/bench" : ".tz/bench"),
    progress: (line) => console.error(line),
  };
}
