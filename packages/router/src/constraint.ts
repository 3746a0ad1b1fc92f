import { RouterError } from "./errors.js";
import { type Automaton, compileRegex } from "./regex/automaton.js";

/** What a parameter becomes: a string, or for some types a number or a boolean. */
export type ParamValue = string | number | boolean;

/** `(type)` or `{regex}` behind a parameter's name. */
export interface Constraint {
  /** As written, with its brackets; equal text is the same constraint. */
  readonly text: string;
  readonly automaton: Automaton;
  /** Absent when the value stays a string. */
  readonly convert: ((value: string) => ParamValue) | undefined;
}

interface ParamType {
  readonly regex: string;
  readonly about: string;
  readonly convert?: (value: string) => ParamValue;
}

/** `Number("-0")` is `-0`, which no caller expects. */
function toNumber(value: string): number {
  return Number(value) + 0;
}

const SAFE_DIGITS = `(?:0*(?:[1-9]\\d{0,14}|${atMost(String(Number.MAX_SAFE_INTEGER))})|0+)`;

/** The types of `:name(type)`. `ParamsOf` has the same names. */
export const PARAM_TYPES = {
  int: { regex: `-?${SAFE_DIGITS}`, convert: toNumber, about: "whole number within ±(2⁵³ − 1)" },
  uint: { regex: SAFE_DIGITS, convert: toNumber, about: "whole number from 0 to 2⁵³ − 1" },
  number: {
    regex: "-?\\d{1,100}(?:\\.\\d{1,100})?",
    convert: toNumber,
    about: "decimal number without exponent",
  },
  bool: { regex: "true|false", convert: (value: string) => value === "true", about: "`true` or `false`" },
  uuid: {
    regex: "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    about: "UUID in its text form (RFC 9562 §4)",
  },
  slug: { regex: "[a-z0-9]+(?:-[a-z0-9]+)*", about: "lower-case words and digits joined by single hyphens" },
} as const satisfies Record<string, ParamType>;

export type ParamTypeName = keyof typeof PARAM_TYPES;

/** Automata are built once for each text in a process. */
const constraints = new Map<string, Constraint>();

/**
 * @throws RouterError `TZ_ROUTER_PARAM_TYPE` when there is no such type.
 */
export function typeConstraint(name: string): Constraint {
  if (!Object.hasOwn(PARAM_TYPES, name)) {
    throw new RouterError(
      "TZ_ROUTER_PARAM_TYPE",
      `There is no parameter type "${name}"; there are ${Object.keys(PARAM_TYPES).join(", ")}, and {regex}`,
    );
  }
  const type: ParamType = PARAM_TYPES[name as ParamTypeName];
  return cached(`(${name})`, type.regex, type.convert);
}

/**
 * @throws RouterError `TZ_ROUTER_REGEX` when the expression cannot become an automaton.
 */
export function regexConstraint(source: string): Constraint {
  return cached(`{${source}}`, source, undefined);
}

function cached(text: string, regex: string, convert: Constraint["convert"]): Constraint {
  let constraint = constraints.get(text);
  if (constraint === undefined) {
    constraint = { text, automaton: compileRegex(regex), convert };
    constraints.set(text, constraint);
  }
  return constraint;
}

/** Expression for the numbers of as many digits as `limit` that are not greater: `91|[1-8]\d|9[0-0]` for 91. */
function atMost(limit: string): string {
  const options: string[] = [limit];
  for (let i = 0; i < limit.length; i++) {
    const digit = Number(limit[i]);
    const rest = limit.length - i - 1;
    const lowest = i === 0 ? 1 : 0;
    if (digit > lowest) options.push(`${limit.slice(0, i)}[${lowest}-${digit - 1}]\\d{${rest}}`);
  }
  return options.join("|");
}
