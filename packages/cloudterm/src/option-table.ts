import { CloudtermError, shown } from "./errors.js";

/** One number that users may set. Validation, types and the reference page come from tables of these. */
export interface NumberRule {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
  readonly meaning: string;
}

export type NumberTable = Readonly<Record<string, NumberRule>>;
export type NumberOptions<Table extends NumberTable> = {
  readonly [Name in keyof Table]?: number | undefined;
};
export type Numbers<Table extends NumberTable> = { readonly [Name in keyof Table]: number };

/**
 * Every option of the table: what is given, and defaults.
 * @param owner what the message names: `"terminals"`
 * @throws CloudtermError `TZ_CLOUDTERM_OPTION`, naming the option, the value and the bounds
 */
export function resolveNumbers<Table extends NumberTable>(
  owner: string,
  table: Table,
  given: NumberOptions<Table>,
): Numbers<Table> {
  const values: Record<string, number> = {};
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(table, name)) continue;
    const known = Object.keys(table).join(", ");
    throw new CloudtermError(
      "TZ_CLOUDTERM_OPTION",
      `${owner}: unknown option ${shown(name)}; known are ${known}`,
    );
  }
  for (const [name, rule] of Object.entries(table)) {
    const value = given[name] ?? rule.default;
    if (!Number.isInteger(value) || value < rule.min || value > rule.max) {
      throw new CloudtermError(
        "TZ_CLOUDTERM_OPTION",
        `${owner}: ${name} is ${shown(value)}; allowed: a whole number from ${rule.min} to ${rule.max} (${rule.unit})`,
      );
    }
    values[name] = value;
  }
  return values as Numbers<Table>;
}
