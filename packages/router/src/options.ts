import { RouterError } from "./errors.js";

interface NumberRule {
  readonly kind: "number";
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
  readonly about: string;
}

interface ChoiceRule<Choice extends string | boolean> {
  readonly kind: "choice";
  readonly default: Choice;
  readonly choices: readonly Choice[];
  readonly about: string;
}

function choice<Choice extends string | boolean>(rule: Omit<ChoiceRule<Choice>, "kind">): ChoiceRule<Choice> {
  return { kind: "choice", ...rule };
}

const flags = [true, false] as const;

/** Every option: what it is when not given and the values it takes. It validates, and the reference is made from it. */
export const ROUTER_OPTIONS = {
  caseSensitive: choice<boolean>({
    default: true,
    choices: flags,
    about: "`false`: ASCII letters of the static parts match in either case; parameters keep theirs",
  }),
  trailingSlash: choice<"strict" | "ignore">({
    default: "strict",
    choices: ["strict", "ignore"],
    about: '`"ignore"`: `/a` and `/a/` are one route, whichever of the two was added',
  }),
  autoHead: choice<boolean>({
    default: true,
    choices: flags,
    about: "HEAD matches the GET route of a path that has no HEAD route of its own (RFC 9110 §9.3.2)",
  }),
  autoOptions: choice<boolean>({
    default: true,
    choices: flags,
    about:
      "OPTIONS without a route of its own has the outcome `options` and the `Allow` list (RFC 9110 §9.3.7)",
  }),
  codeGeneration: choice<"auto" | "never">({
    default: "auto",
    choices: ["auto", "never"],
    about: '`"never"`: no `new Function`; matches then walk the tree, about half as fast for one route',
  }),
  maxPathBytes: {
    kind: "number",
    default: 8192,
    min: 16,
    max: 1_048_576,
    unit: "bytes",
    about: "a longer path (without its query) has the outcome `too-long`",
  },
  maxVisits: {
    kind: "number",
    default: 512,
    min: 16,
    max: 65_536,
    unit: "nodes",
    about: "a route that lets one match visit more nodes of the tree than this is refused when it is added",
  },
} as const satisfies Record<
  string,
  NumberRule | ChoiceRule<boolean> | ChoiceRule<"strict" | "ignore"> | ChoiceRule<"auto" | "never">
>;

/** Bounds that are not options: no real route table comes near, and they keep tables and stacks small. */
export const ROUTER_LIMITS = {
  patternLength: { value: 2048, unit: "characters of a pattern" },
  params: { value: 32, unit: "parameters in a pattern" },
  optionals: { value: 5, unit: "optional parameters in a pattern (2⁵ variants)" },
  methods: { value: 30, unit: "different methods in a router" },
  regexStates: { value: 4096, unit: "states of a parameter's automaton" },
  regexRepeat: { value: 1000, unit: "repetitions in `{n,m}`" },
  mixedSegmentBytes: {
    value: 256,
    unit: "bytes of a segment that has several parameters, one of them constrained",
  },
} as const;

/** The options of a router; see the table in the README. */
export interface RouterOptions {
  readonly caseSensitive?: boolean;
  readonly trailingSlash?: "strict" | "ignore";
  readonly autoHead?: boolean;
  readonly autoOptions?: boolean;
  readonly codeGeneration?: "auto" | "never";
  readonly maxPathBytes?: number;
  readonly maxVisits?: number;
}

export type ResolvedRouterOptions = Required<RouterOptions>;

/**
 * Options with their defaults filled in.
 *
 * @throws RouterError `TZ_ROUTER_OPTION`, naming the option, the value and the bounds.
 */
export function resolveOptions(given: RouterOptions): ResolvedRouterOptions {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(ROUTER_OPTIONS, name)) {
      const known = Object.keys(ROUTER_OPTIONS).join(", ");
      throw new RouterError("TZ_ROUTER_OPTION", `Unknown option "${name}"; known are ${known}`);
    }
  }
  const resolved: Record<string, unknown> = {};
  for (const [name, rule] of Object.entries(ROUTER_OPTIONS)) {
    resolved[name] = resolveOption(name, rule, (given as Record<string, unknown>)[name]);
  }
  return resolved as unknown as ResolvedRouterOptions;
}

function resolveOption(
  name: string,
  rule: NumberRule | ChoiceRule<string | boolean>,
  value: unknown,
): unknown {
  if (value === undefined) return rule.default;
  if (rule.kind === "choice") {
    if (rule.choices.includes(value as string | boolean)) return value;
    const choices = rule.choices.map((each) => JSON.stringify(each)).join(" or ");
    throw new RouterError("TZ_ROUTER_OPTION", `Option "${name}" must be ${choices}, got ${shown(value)}`);
  }
  if (Number.isInteger(value) && (value as number) >= rule.min && (value as number) <= rule.max) return value;
  throw new RouterError(
    "TZ_ROUTER_OPTION",
    `Option "${name}" must be an integer from ${rule.min} to ${rule.max} (${rule.unit}), got ${shown(value)}`,
  );
}

function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 60));
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
