import type { Directive } from "../directive.js";
import type { Report } from "../report.js";
import type { Settings } from "../settings.js";

/** What a directive finds beside itself. */
export interface Scope {
  /** To be changed by the directive. */
  readonly settings: Settings;
  /** What the block around has: lists are said anew in a block or come from there as a whole. */
  readonly outer: Settings;
  readonly report: Report;
}

/** Reads one directive into the settings of its block. */
export type Handler = (directive: Directive, scope: Scope) => void;

/** `on` or `off`; refuses the rest. */
export function switched(directive: Directive, { report }: Scope): boolean | undefined {
  const [word] = directive.args;
  if (directive.args.length === 1 && (word === "on" || word === "off")) return word === "on";
  report.refuse(directive, "takes on or off");
  return undefined;
}

/** The arguments with nothing that only a request can say. */
export function constants(directive: Directive, { report }: Scope): readonly string[] | undefined {
  const variable = directive.args.find((word) => word.includes("$"));
  if (variable === undefined && directive.args.length > 0) return directive.args;
  report.refuse(
    directive,
    variable === undefined
      ? "takes an argument"
      : `a configuration has no variables (${variable}); write the value, or a handler of @tz/server`,
  );
  return undefined;
}
