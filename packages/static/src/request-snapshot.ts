/** A request that outlives its turn: an executor may reuse its own for the next one as soon as `plan()` returned. */
import { FIELD, type FieldId, type PlanRequest } from "@tz/http1";

/** What an answer may depend on. */
const KEPT: readonly FieldId[] = [
  FIELD.ifMatch,
  FIELD.ifNoneMatch,
  FIELD.ifModifiedSince,
  FIELD.ifUnmodifiedSince,
  FIELD.ifRange,
  FIELD.range,
  FIELD.acceptEncoding,
  FIELD.accept,
  FIELD.origin,
  FIELD.wantContentDigest,
  FIELD.wantReprDigest,
  FIELD.accessControlRequestMethod,
  FIELD.accessControlRequestHeaders,
];

export function snapshot(request: PlanRequest): PlanRequest {
  const { method, target, minorVersion, fieldMask } = request;
  const values = new Map<FieldId | string, string>();
  for (const id of KEPT) {
    if ((fieldMask & (1 << id)) === 0) continue;
    const value = request.field(id);
    if (value !== undefined) values.set(id, value);
  }
  return { method, target, minorVersion, fieldMask, field: (name) => values.get(name) };
}
