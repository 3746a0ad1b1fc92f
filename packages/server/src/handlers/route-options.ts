import { ServerError } from "../errors.js";
import { checkNumber, ROUTE_OPTIONS, type RouteNumberOption } from "../options.js";
import type { ServerRequest } from "../request.js";
import type { RequestPart } from "../validation/invalid-request.js";
import type { OutputOf, StandardSchema } from "../validation/standard-schema.js";
import type { RequestSchemas } from "../validation/validator.js";
import type { Middleware } from "./hooks.js";

/** What one route may have for itself; numbers in {@link ROUTE_OPTIONS}. */
export interface RouteOptions extends RequestSchemas, Readonly<Partial<Record<RouteNumberOption, number>>> {
  /** Checks what the handler returns as a value (not as a plan or `Response`), and may drop members of it. */
  readonly response?: StandardSchema;
  /** Writes the value that the handler returns: `fastJson(schema)` of `fast-json-stringify`. Default `JSON.stringify`. */
  readonly stringify?: (value: never) => string;
  /** Answers made of bytes get an entity tag, and 304 goes to who has them. Default `false`. */
  readonly etag?: boolean;
  /** Text and its kin is compressed by what the client accepts (br, gzip), from `compressMinBytes` on. Default `false`. */
  readonly compress?: boolean;
  /** Middleware of this route alone, inside of the server's. */
  readonly use?: readonly Middleware[];
  /** Who shares a bucket of `ratePerSecond`. Default: the client's address. */
  readonly rateKey?: (request: ServerRequest) => string;
}

/** The type of `request.valid` on a route with these options. */
export type ValidOf<Options> = {
  readonly [Part in RequestPart as Options extends { readonly [P in Part]: StandardSchema }
    ? Part
    : never]: Options extends { readonly [P in Part]: infer Schema } ? OutputOf<Schema> : never;
};

const SCHEMAS = ["params", "query", "headers", "body", "response"] as const;
const FLAGS = ["etag", "compress"] as const;
const FUNCTIONS = ["stringify", "rateKey"] as const;

/** @throws ServerError `TZ_SERVER_OPTION` naming the option, the value and what is allowed */
export function checkRouteOptions(options: RouteOptions): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if ((SCHEMAS as readonly string[]).includes(name)) {
      const standard = (value as Partial<StandardSchema>)?.["~standard"];
      if (typeof standard?.validate !== "function")
        refuse(name, "a Standard Schema (an object with ~standard)");
    } else if ((FUNCTIONS as readonly string[]).includes(name)) {
      if (typeof value !== "function") refuse(name, "a function");
    } else if ((FLAGS as readonly string[]).includes(name)) {
      if (typeof value !== "boolean") refuse(name, "true or false");
    } else if (name === "use") {
      if (!Array.isArray(value)) refuse(name, "a list of middleware");
    } else if (Object.hasOwn(ROUTE_OPTIONS, name)) {
      checkNumber(name, value, ROUTE_OPTIONS[name as RouteNumberOption]);
    } else {
      const known = [...SCHEMAS, ...FUNCTIONS, ...FLAGS, "use", ...Object.keys(ROUTE_OPTIONS)];
      throw new ServerError(
        "TZ_SERVER_OPTION",
        `unknown route option ${JSON.stringify(name)}; allowed: ${known.join(", ")}`,
      );
    }
  }
}

function refuse(name: string, allowed: string): never {
  throw new ServerError("TZ_SERVER_OPTION", `route option ${name} must be ${allowed}`);
}
