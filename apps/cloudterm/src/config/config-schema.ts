import { CONFIG, type ConfigRow } from "./config-table.js";

/** JSON Schema of the configuration file; `cloudterm schema` prints it. */
export function configSchema(): object {
  const properties: Record<string, object> = { $schema: { type: "string" } };
  for (const [name, row] of Object.entries(CONFIG as Record<string, ConfigRow>)) {
    properties[name] = { description: row.meaning, default: row.default, ...typeOf(row) };
  }
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "cloudterm",
    type: "object",
    additionalProperties: false,
    properties,
  };
}

function typeOf(row: ConfigRow): object {
  switch (row.type) {
    case "number":
      return { type: "integer", minimum: row.min, maximum: row.max };
    case "flag":
      return { type: "boolean" };
    case "list":
      return { type: "array", items: { type: "string" } };
    case "text":
      return row.pattern === undefined ? { type: "string" } : { type: "string", pattern: row.pattern.source };
  }
}
