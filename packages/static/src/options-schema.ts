/** The table of options as JSON schemas: what editors know of files that hold them. */
import type { JsonSchema, Rule } from "./option-rules.js";
import { STATIC_OPTIONS, SWITCHED } from "./options.js";

/**
 * Schemas of the options by name, with those of a group as one object; options that take functions only are left
 * out. A value that a mount takes is valid; some that it refuses are too (globs, media types).
 *
 * @param describe a text for the option of this name, as `"cache.bytes"`
 */
export function staticOptionsSchema(
  describe: (name: string) => string | undefined = () => undefined,
): Readonly<Record<string, JsonSchema>> {
  const schemas: Record<string, JsonSchema> = {};
  const members: Record<string, Record<string, JsonSchema>> = {};
  for (const [name, { schema }] of Object.entries<Rule>(STATIC_OPTIONS)) {
    if (schema === undefined) continue;
    const description = describe(name);
    const described = description === undefined ? schema : { ...schema, description };
    const [group = "", inner] = name.split(".");
    if (inner === undefined) {
      schemas[group] = described;
    } else {
      members[group] ??= {};
      members[group][inner] = described;
    }
  }
  for (const [group, properties] of Object.entries(members)) {
    const object: JsonSchema = { type: "object", properties, additionalProperties: false };
    const { description, default: fallback } = schemas[group] ?? {};
    schemas[group] = SWITCHED.has(group)
      ? {
          anyOf: [{ type: "boolean" }, object],
          default: fallback,
          ...(description !== undefined && { description }),
        }
      : object;
  }
  return schemas;
}
