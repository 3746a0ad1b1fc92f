/** The fields that an answer may depend on, by id and name: those that have a bit in `fieldMask`. */
import { FIELD, FIELD_NAMES, type FieldId } from "@tz/http1";

const IDS = [
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
] as const;

export const DECIDING_FIELDS: readonly (readonly [id: FieldId, name: string])[] = IDS.map((id) => [
  id,
  FIELD_NAMES[id]!,
]);
