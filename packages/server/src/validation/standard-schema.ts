/**
 * The interface of https://standardschema.dev, version 1, as far as it is used here: zod, valibot, arktype and others
 * implement it, so that no adapter is needed for them.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What a schema makes of a value. */
export type OutputOf<Schema> = Schema extends StandardSchema<infer _Input, infer Output> ? Output : unknown;

/** The path of an issue as a JSON pointer (RFC 6901): `["tags", 0]` → `/tags/0`. */
export function pointerOf(path: SchemaIssue["path"]): string {
  let pointer = "";
  for (const step of path ?? []) {
    const key = String(typeof step === "object" ? step.key : step);
    pointer += `/${key.replace(/~/g, "~0").replace(/\//g, "~1")}`;
  }
  return pointer;
}
