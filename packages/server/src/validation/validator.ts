import { ServerError } from "../errors.js";
import type { ServerRequest } from "../request.js";
import { InvalidRequest, type Problem, type RequestPart } from "./invalid-request.js";
import { pointerOf, type SchemaResult, type StandardSchema } from "./standard-schema.js";

/** A schema for each part of a request that a route wants checked. */
export type RequestSchemas = { readonly [Part in RequestPart]?: StandardSchema };

type Values = { [Part in RequestPart]?: unknown };

/**
 * Checks a request by its schemas. What lies in the head is checked first and at once (400); only then is the body
 * read (422). Every error of a step is reported, not the first alone.
 */
export class Validator {
  readonly #schemas: RequestSchemas;

  constructor(schemas: RequestSchemas) {
    this.#schemas = schemas;
  }

  /** @throws InvalidRequest, also as a rejection */
  check(request: ServerRequest): Values | Promise<Values> {
    const { params, query, headers } = this.#schemas;
    const values: Values = {};
    const problems: Problem[] = [];
    const pending: Promise<void>[] = [];
    const see = (part: RequestPart, schema: StandardSchema | undefined, value: () => unknown): void => {
      if (schema === undefined) return;
      const result = schema["~standard"].validate(value());
      if (result instanceof Promise) {
        pending.push(result.then((settled) => take(settled, part, values, problems)));
      } else {
        take(result, part, values, problems);
      }
    };
    see("params", params, () => request.params);
    see("query", query, () => recordOf(request.query));
    see("headers", headers, () => request.fields());
    if (pending.length > 0)
      return Promise.all(pending).then(() => this.#afterHead(request, values, problems));
    return this.#afterHead(request, values, problems);
  }

  #afterHead(request: ServerRequest, values: Values, problems: Problem[]): Values | Promise<Values> {
    if (problems.length > 0) throw new InvalidRequest("TZ_SERVER_INVALID_REQUEST", problems);
    return this.#schemas.body === undefined ? values : this.#body(request, this.#schemas.body, values);
  }

  /** A body that came with its head, as small ones do, is checked at once: without a promise. */
  #body(request: ServerRequest, schema: StandardSchema, values: Values): Values | Promise<Values> {
    const value = isJson(request) ? jsonNow(request) : undefined;
    if (value === undefined) return this.#bodyLater(request, schema, values);
    const result = schema["~standard"].validate(value);
    return result instanceof Promise
      ? result.then((settled) => withBody(settled, values))
      : withBody(result, values);
  }

  async #bodyLater(request: ServerRequest, schema: StandardSchema, values: Values): Promise<Values> {
    return withBody(await schema["~standard"].validate(await readBody(request)), values);
  }
}

/** @throws InvalidRequest */
function withBody(result: SchemaResult<unknown>, values: Values): Values {
  const problems: Problem[] = [];
  take(result, "body", values, problems);
  if (problems.length > 0) throw new InvalidRequest("TZ_SERVER_INVALID_BODY", problems);
  return values;
}

function take(result: SchemaResult<unknown>, part: RequestPart, values: Values, problems: Problem[]): void {
  if (result.issues === undefined) {
    values[part] = result.value;
    return;
  }
  for (const { path, message } of result.issues) {
    problems.push({ in: part, pointer: pointerOf(path), detail: message });
  }
}

/** Is the body JSON by its type? An absent type is taken for JSON. */
function isJson(request: ServerRequest): boolean {
  const type = request.mediaType;
  return type === "application/json" || type === "" || type.endsWith("+json");
}

/** The value of a body that is here; `undefined`, which no JSON is, when it must be awaited. */
function jsonNow(request: ServerRequest): unknown {
  const bytes = request.bytesNow();
  if (bytes === undefined) return undefined;
  return parseJson(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"));
}

/** The body as a value: JSON, or a form as a record. */
async function readBody(request: ServerRequest): Promise<unknown> {
  if (isJson(request)) return parseJson(await request.text());
  const type = request.mediaType;
  if (type === "application/x-www-form-urlencoded") return recordOf(await request.form());
  throw new ServerError("TZ_SERVER_BODY_TYPE", `the route takes JSON or a form, not ${type}`, {
    fields: ["Accept", "application/json, application/x-www-form-urlencoded"],
  });
}

/** @throws InvalidRequest */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const detail = text === "" ? "the body is empty, JSON is expected" : (error as SyntaxError).message;
    throw new InvalidRequest("TZ_SERVER_INVALID_REQUEST", [{ in: "body", pointer: "", detail }]);
  }
}

/** Names to values; a name that comes more than once has a list. */
export function recordOf(pairs: Iterable<readonly [string, string]>): Record<string, string | string[]> {
  const record: Record<string, string | string[]> = Object.create(null);
  for (const [name, value] of pairs) {
    const before = record[name];
    if (before === undefined) record[name] = value;
    else if (typeof before === "string") record[name] = [before, value];
    else before.push(value);
  }
  return record;
}
