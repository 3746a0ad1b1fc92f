/** How one option is read: the value to use, or that the given one is not allowed. */
import { compileGlob, type PathMatcher } from "./match/glob.js";

/** A part of a JSON schema (draft 2020-12), plain data. */
export type JsonSchema = Readonly<Record<string, unknown>>;

export interface Rule {
  /** In words, for the reference. */
  readonly default: string;
  /** The values it takes, in words: it stands in the error. */
  readonly allowed: string;
  /** `undefined` when the given value is not allowed. Called with `undefined` for the default. */
  readonly read: (given: unknown) => { readonly value: unknown } | undefined;
  /** The same for editors of JSON files; `undefined` when JSON cannot say it (functions). May be more lenient. */
  readonly schema: JsonSchema | undefined;
}

export function rule(
  fallback: string,
  allowed: string,
  read: Rule["read"],
  schema: JsonSchema | undefined,
): Rule {
  return { default: fallback, allowed, read, schema };
}

export function integer(fallback: number, min: number, max: number, unit: string): Rule {
  return rule(
    `${fallback} ${unit}`,
    `an integer from ${min} to ${max} (${unit})`,
    (given) => {
      if (given === undefined) return { value: fallback };
      return isInteger(given, min, max) ? { value: given } : undefined;
    },
    { type: "integer", minimum: min, maximum: max, default: fallback },
  );
}

/** Not set unless given. */
export function optionalInteger(min: number, max: number, unit: string): Rule {
  return rule(
    "none",
    `an integer from ${min} to ${max} (${unit})`,
    (given) => (given === undefined || isInteger(given, min, max) ? { value: given } : undefined),
    { type: "integer", minimum: min, maximum: max },
  );
}

function isInteger(value: unknown, min: number, max: number): boolean {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

/** One of the values; the first is the default. */
export function choice(...values: readonly (string | boolean)[]): Rule {
  const names = values.map((value) => JSON.stringify(value));
  return rule(
    names[0]!,
    names.join(" or "),
    (given) => {
      if (given === undefined) return { value: values[0] };
      return values.includes(given as string | boolean) ? { value: given } : undefined;
    },
    { enum: values, default: values[0] },
  );
}

/** A list without repetition, each of the values; `true` is all of them. */
export function someOf(fallback: readonly string[], values: readonly string[]): Rule {
  const allowed = `a list of ${values.map((value) => JSON.stringify(value)).join(", ")}, or true for all, false for none`;
  return rule(
    JSON.stringify(fallback),
    allowed,
    (given) => {
      if (given === undefined) return { value: fallback };
      if (typeof given === "boolean") return { value: given ? values : [] };
      const isGood =
        Array.isArray(given) &&
        given.every((value) => values.includes(value)) &&
        new Set(given).size === given.length;
      return isGood ? { value: [...(given as string[])] } : undefined;
    },
    {
      anyOf: [{ type: "boolean" }, { type: "array", items: { enum: values }, uniqueItems: true }],
      default: fallback,
    },
  );
}

/** Most members that a list of names or patterns may have. */
const LIST_MAX = 1000;
const STRINGS: JsonSchema = { type: "array", items: { type: "string" }, maxItems: LIST_MAX };

/** Field names to values. */
export const FIELDS: JsonSchema = { type: "object", additionalProperties: { type: "string" } };

export function list(
  fallback: readonly string[] | undefined,
  what: string,
  isGood: (value: unknown) => boolean,
  change: (value: string) => unknown = (value) => value,
): Rule {
  const shownDefault = fallback === undefined ? "none" : JSON.stringify(fallback);
  return rule(
    shownDefault,
    `a list of up to ${LIST_MAX} ${what}`,
    (given) => {
      if (given === undefined) return { value: fallback?.map(change) };
      return Array.isArray(given) && given.length <= LIST_MAX && given.every(isGood)
        ? { value: given.map(change) }
        : undefined;
    },
    { ...STRINGS, ...(fallback !== undefined && { default: fallback }) },
  );
}

/** A list of globs, read as one matcher. */
export function globs(): Rule {
  return rule(
    "none",
    `a list of up to ${LIST_MAX} globs`,
    (given) => {
      if (given === undefined) return { value: undefined };
      const matcher = matcherOf(given);
      return matcher === undefined ? undefined : { value: matcher };
    },
    STRINGS,
  );
}

export function matcherOf(given: unknown): PathMatcher | undefined {
  if (!Array.isArray(given) || given.length > LIST_MAX) return undefined;
  const matchers: PathMatcher[] = [];
  for (const glob of given) {
    const matcher = typeof glob === "string" ? compileGlob(glob) : undefined;
    if (matcher === undefined) return undefined;
    matchers.push(matcher);
  }
  return (path) => matchers.some((matches) => matches(path));
}

export function callback(): Rule {
  return rule(
    "none",
    "a function",
    (given) => (given === undefined || typeof given === "function" ? { value: given } : undefined),
    undefined,
  );
}

export const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
export const FIELD_VALUE = /^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/;
export const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+*-]+(?:\s*;[\x20-\x7e]*)?$/;

/** Fields that say how a message is framed, or that follow from the file: nobody may set them. */
const OURS = new Set([
  "accept-ranges",
  "connection",
  "content-encoding",
  "content-length",
  "content-range",
  "date",
  "etag",
  "keep-alive",
  "last-modified",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Why a field cannot be one of the user's own; `undefined` when it can.
 * @example
 * ```ts
 * refusalOfField("Content-Length", "5"); // "Content-Length is not yours to set: …"
 * ```
 */
export function refusalOfField(name: string, value: string): string | undefined {
  // An object cannot have a member of that name like any other.
  if (!FIELD_NAME.test(name) || name === "__proto__") return `${JSON.stringify(name)} is no name of a field.`;
  if (OURS.has(name.toLowerCase()))
    return `${name} is not yours to set: it says how a message is framed, or follows from the file.`;
  return FIELD_VALUE.test(value) ? undefined : `It must be visible ASCII, the value of ${name}.`;
}

/** Name to value, of fields that may be set by the user. */
export function isFields(given: unknown): given is Record<string, string> {
  return (
    isObject(given) &&
    Object.entries(given).every(
      ([name, value]) => typeof value === "string" && refusalOfField(name, value) === undefined,
    )
  );
}

export function isObject(given: unknown): given is Record<string, unknown> {
  return typeof given === "object" && given !== null && !Array.isArray(given);
}

/** A name of one file, not a path. */
export function isFileName(value: unknown): value is string {
  return (
    typeof value === "string" && value !== "" && value !== "." && value !== ".." && !/[/\\\0]/.test(value)
  );
}

/** A path below the root, with or without a slash in front. */
export function isRelativePath(value: unknown): value is string {
  return typeof value === "string" && value.replace(/^\//, "").split("/").every(isFileName);
}

/** With or without its dot. */
export function isExtension(value: unknown): value is string {
  return typeof value === "string" && /^\.?[^./\\\0]+$/.test(value);
}

export function bareExtension(value: string): string {
  return value.replace(/^\./, "").toLowerCase();
}
