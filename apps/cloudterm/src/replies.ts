import { CloudtermError } from "@tz/cloudterm";
import type { ResponsePlan } from "@tz/http1";
import { json, type ServerRequest } from "@tz/server";
import type { GatewayParts } from "./gateway-parts.js";

/** JSON that no cache keeps. */
export function reply(
  { fields }: GatewayParts,
  value: unknown,
  { status = 200, more = [] }: { status?: number; more?: readonly string[] } = {},
): ResponsePlan {
  return json(value, { status, fields: ["Cache-Control", "no-store", ...fields, ...more] });
}

/** What failed, as JSON. Of errors that are nobody's to know it says only that there was one. */
export function errorAnswer(parts: GatewayParts, error: unknown, status: number): ResponsePlan {
  if (error instanceof CloudtermError && error.status === status) {
    const { code, message, retryAfterMs } = error;
    return reply(parts, { error: code, message, retryAfterMs }, { status, more: error.fields ?? [] });
  }
  const known = error as { code?: unknown; fields?: unknown };
  const isOurs = typeof known?.code === "string" && known.code.startsWith("TZ_") && status < 500;
  return reply(
    parts,
    isOurs
      ? { error: known.code, message: (error as Error).message }
      : {
          error: status < 500 ? "BAD_REQUEST" : "INTERNAL",
          message: status < 500 ? "the request is malformed" : "something failed here",
        },
    { status, more: isOurs && Array.isArray(known.fields) ? (known.fields as string[]) : [] },
  );
}

/** The body as a JSON object. @throws CloudtermError `TZ_CLOUDTERM_REQUEST`, and what the server throws */
export async function bodyOf(
  request: Pick<ServerRequest, "mediaType" | "json">,
): Promise<Readonly<Record<string, unknown>>> {
  if (request.mediaType !== "application/json")
    throw new CloudtermError("TZ_CLOUDTERM_REQUEST", "the body must be application/json");
  const value = await request.json();
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new CloudtermError("TZ_CLOUDTERM_REQUEST", "the body must be a JSON object");
  return value as Record<string, unknown>;
}

/** A text of a body. @throws CloudtermError `TZ_CLOUDTERM_REQUEST` */
export function textIn(body: Readonly<Record<string, unknown>>, name: string, lengthMax = 1024): string {
  const value = body[name];
  if (typeof value === "string" && value.length <= lengthMax) return value;
  throw new CloudtermError(
    "TZ_CLOUDTERM_REQUEST",
    `${name} must be a text of at most ${lengthMax} characters`,
  );
}
