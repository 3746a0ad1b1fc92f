import { type JsonSchema, staticOptionsSchema } from "@tz/static";
import { PLACE_KEYS, SERVER_KEYS, type ServerKey } from "./server-keys.js";

/**
 * The schema of a config file, made of the tables that check it.
 * @param describe a text for the mount option of this name
 */
export function configSchema(describe: (name: string) => string | undefined): JsonSchema {
  const mount = { ...schemasOf(PLACE_KEYS), ...staticOptionsSchema(describe) };
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "tz-static --config",
    type: "object",
    properties: { ...schemasOf(SERVER_KEYS), ...mount },
    additionalProperties: false,
    // Either several mounts or the options of one.
    if: { required: ["mounts"] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON schema
    then: { propertyNames: { enum: Object.keys(SERVER_KEYS) } },
    $defs: {
      mount: { type: "object", required: ["root"], properties: mount, additionalProperties: false },
    },
  };
}

function schemasOf(keys: Readonly<Record<string, ServerKey>>): Record<string, JsonSchema> {
  return Object.fromEntries(
    Object.entries(keys).map(([name, { schema, description }]) => [name, { ...schema, description }]),
  );
}
