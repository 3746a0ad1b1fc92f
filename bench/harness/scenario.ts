import { readdirSync } from "node:fs";
import type { ComparisonResult } from "./compare-servers.js";
import type { FigureResult } from "./figures.js";
import type { Settings } from "./settings.js";

/** Servers by CPU time per request, or any other figures. */
export type Result = ComparisonResult | FigureResult;

/** One question, e.g. "what does a hot 1 KB file cost?". Each lives in its own file below `scenarios/`. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** Target names in table order; `--targets` picks among them. */
  readonly targets: readonly string[];
  /** Builds its input below `work` and measures. */
  run(work: string, targets: readonly string[], settings: Settings): Promise<Result>;
}

const folder = new URL("../scenarios/", import.meta.url);

export function scenarioNames(): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
    .map((file) => file.slice(0, -".ts".length));
}

/** @throws Error naming the scenarios that exist */
export async function loadScenario(name: string): Promise<Scenario> {
  const names = scenarioNames();
  if (!names.includes(name))
    throw new Error(`no scenario ${JSON.stringify(name)}; there are ${names.join(", ")}`);
  const module = (await import(new URL(`${name}.ts`, folder).href)) as { scenario: Scenario };
  return module.scenario;
}
