/** Cross-origin sharing, as the Fetch standard defines it. */
import { FIELD, type PlanRequest, ResponseHead, type ResponsePlan } from "@tz/http1";
import type { ResolvedCors } from "../options.js";

/** Simple methods are always allowed by browsers; naming them helps programs that read the answer. */
const METHODS = "GET, HEAD, OPTIONS";

/** The same for every request: then answers can be prebuilt. */
export function isSameForAll(cors: ResolvedCors): boolean {
  return cors.origins === "*";
}

/** Fields of an answer to this request; none when its origin may not read it. */
export function corsFields(cors: ResolvedCors, origin: string | undefined): readonly string[] {
  const fields: string[] = [];
  if (cors.origins === "*") {
    fields.push("Access-Control-Allow-Origin", "*");
  } else {
    if (origin === undefined || !cors.origins.includes(origin.toLowerCase())) return [];
    fields.push("Access-Control-Allow-Origin", origin);
    if (cors.credentials) fields.push("Access-Control-Allow-Credentials", "true");
  }
  if (cors.exposeHeaders.length > 0)
    fields.push("Access-Control-Expose-Headers", cors.exposeHeaders.join(", "));
  return fields;
}

const FIELD_NAMES = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:[\t ]*,[\t ]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+)*$/;

/** The answer to the question that a browser asks before the request proper; `undefined` when it is none. */
export function preflightPlan(cors: ResolvedCors, request: PlanRequest): ResponsePlan | undefined {
  const origin = request.field(FIELD.origin);
  if (origin === undefined || request.field(FIELD.accessControlRequestMethod) === undefined) return undefined;
  const fields = ["Allow", METHODS, ...corsFields(cors, origin)];
  fields.push("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
  if (fields.includes("Access-Control-Allow-Origin")) {
    fields.push("Access-Control-Allow-Methods", METHODS);
    const asked = request.field(FIELD.accessControlRequestHeaders) ?? "";
    const allowed = cors.allowHeaders?.join(", ") ?? (FIELD_NAMES.test(asked) ? asked : "");
    if (allowed !== "") fields.push("Access-Control-Allow-Headers", allowed);
    fields.push("Access-Control-Max-Age", String(cors.maxAgeSeconds));
  }
  return { head: new ResponseHead(204, fields), body: { kind: "none" } };
}
