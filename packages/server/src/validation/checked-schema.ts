import type { SchemaIssue, StandardSchema } from "./standard-schema.js";

/** What TypeBox's `TypeCompiler.Compile(schema)` and `Compile(schema)` of TypeBox 1 return, as far as it is used. */
export interface CompiledCheck<Value> {
  Check(value: unknown): value is Value;
  Errors(value: unknown): Iterable<{
    readonly message: string;
    readonly path?: string;
    readonly instancePath?: string;
  }>;
}

/** A validating function of ajv: `ajv.compile<Value>(schema)`. */
export interface AjvCheck<Value> {
  (value: unknown): value is Value;
  errors?: readonly { readonly instancePath: string; readonly message?: string }[] | null;
}

/**
 * A compiled check of TypeBox as a schema for routes. A good value costs the check and no more.
 *
 * ```ts
 * const User = compiledSchema(TypeCompiler.Compile(Type.Object({ name: Type.String() })));
 * app.post("/users", { body: User }, (request) => json(request.valid.body.name));
 * ```
 */
export function compiledSchema<Value>(check: CompiledCheck<Value>): StandardSchema<Value> {
  return schemaOf("typebox", (value) => {
    if (check.Check(value)) return undefined;
    return Array.from(check.Errors(value), ({ path, instancePath, message }) =>
      issue(path ?? instancePath ?? "", message),
    );
  });
}

/** A function compiled by ajv as a schema for routes. */
export function ajvSchema<Value>(check: AjvCheck<Value>): StandardSchema<Value> {
  return schemaOf("ajv", (value) => {
    if (check(value)) return undefined;
    return (check.errors ?? []).map(({ instancePath, message }) =>
      issue(instancePath, message ?? "is invalid"),
    );
  });
}

function schemaOf<Value>(
  vendor: string,
  issuesOf: (value: unknown) => readonly SchemaIssue[] | undefined,
): StandardSchema<Value> {
  return {
    "~standard": {
      version: 1,
      vendor,
      validate: (value) => {
        const issues = issuesOf(value);
        return issues === undefined ? { value: value as Value } : { issues };
      },
    },
  };
}

function issue(pointer: string, message: string): SchemaIssue {
  const path = pointer
    .split("/")
    .slice(1)
    .map((step) => step.replace(/~1/g, "/").replace(/~0/g, "~"));
  return { message, path };
}
