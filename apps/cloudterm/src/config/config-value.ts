import { UsageError } from "../usage-error.js";
import { CONFIG, type ConfigName, type ConfigRow } from "./config-table.js";

/**
 * Checks one value, wherever it comes from.
 * @param source as the message names it: `--port`, `TZ_CLOUDTERM_PORT`, `"port" in FILE`
 * @param given text of the command line or environment, or a value of the file
 * @throws UsageError
 */
export function configValue(name: ConfigName, given: unknown, source: string): unknown {
  const row: ConfigRow = CONFIG[name];
  const refuse = (allowed: string): never => {
    throw new UsageError(`${source} is ${shown(given)}; allowed: ${allowed}`);
  };
  switch (row.type) {
    case "number": {
      const value = typeof given === "string" && /^\d+$/.test(given) ? Number(given) : given;
      const fits =
        typeof value === "number" && Number.isInteger(value) && value >= row.min && value <= row.max;
      return fits ? value : refuse(`a whole number from ${row.min} to ${row.max} (${row.unit})`);
    }
    case "flag": {
      if (typeof given === "boolean") return given;
      if (given === "true" || given === "1") return true;
      return given === "false" || given === "0" || given === "" ? false : refuse("true, false");
    }
    case "list": {
      const value = typeof given === "string" ? given.split(",").filter((each) => each !== "") : given;
      const fits =
        Array.isArray(value) && value.every((each) => typeof each === "string" && !each.includes("\0"));
      return fits ? value : refuse(row.allowed ?? "a list of texts");
    }
    case "text": {
      const fits = typeof given === "string" && !given.includes("\0") && (row.pattern?.test(given) ?? true);
      return fits ? given : refuse(row.allowed ?? "a text");
    }
  }
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
