/** A request that outlives its turn: an executor may reuse its own for the next one as soon as `plan()` returned. */
import type { FieldId, PlanRequest } from "@tz/http1";
import { DECIDING_FIELDS } from "./deciding-fields.js";

export function snapshot(request: PlanRequest): PlanRequest {
  const { method, target, minorVersion, fieldMask } = request;
  const values = new Map<FieldId | string, string>();
  for (const [id] of DECIDING_FIELDS) {
    if ((fieldMask & (1 << id)) === 0) continue;
    const value = request.field(id);
    if (value !== undefined) values.set(id, value);
  }
  return { method, target, minorVersion, fieldMask, field: (name) => values.get(name) };
}
