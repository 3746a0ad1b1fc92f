import { readFileSync } from "node:fs";
import { configSchema } from "./schema.js";

const README = new URL("../../../../packages/static/README.md", import.meta.url);

/** Where the published schema is. */
export const SCHEMA_FILE = new URL("../../config.schema.json", import.meta.url);

/** The schema as published, with the words of the reference for each option. */
export function schemaText(): string {
  const rows = readFileSync(README, "utf8").matchAll(/^\| `([\w.]+)` \|.*\| ([^|]+) \|$/gm);
  const words = new Map([...rows].map(([, name = "", text = ""]) => [name, text.replaceAll("`", "").trim()]));
  return `${JSON.stringify(
    configSchema((name) => words.get(name)),
    undefined,
    2,
  )}\n`;
}
