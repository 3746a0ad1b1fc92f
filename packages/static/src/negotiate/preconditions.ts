/**
 * Conditional requests in the order of RFC 9110 §13.2.2.
 *
 * ```
 *   If-Match ─▶ else If-Unmodified-Since ─▶ If-None-Match ─▶ else If-Modified-Since ─▶ Range + If-Range
 *      412                 412                  304/412               304
 * ```
 */
import { FIELD, type PlanRequest, parseHttpDate } from "@tz/http1";
import { isEntityTag, listMatches, matchesStrongly, matchesWeakly } from "./entity-tag.js";

/** What a representation is known by. */
export interface Validators {
  readonly etag: string | undefined;
  /** A weak tag of the same content that was sent before `etag` was known: it still names us. */
  readonly formerEtag: string | undefined;
  /** Whole seconds since 1970. */
  readonly lastModifiedSeconds: number | undefined;
}

export type Verdict = "proceed" | "not-modified" | "failed";

const bit = (id: number): number => 2 ** id;

/** The fields that this file reads, as bits of `fieldMask`. */
export const PRECONDITION_MASK =
  bit(FIELD.ifMatch) | bit(FIELD.ifNoneMatch) | bit(FIELD.ifModifiedSince) | bit(FIELD.ifUnmodifiedSince);

/** Decides a GET or HEAD of an existing representation. */
export function evaluatePreconditions(request: PlanRequest, validators: Validators): Verdict {
  if ((request.fieldMask & PRECONDITION_MASK) === 0) return "proceed";
  const { etag, formerEtag, lastModifiedSeconds } = validators;

  const ifMatch = request.field(FIELD.ifMatch);
  if (ifMatch !== undefined) {
    if (!listMatches(ifMatch, etag, matchesStrongly)) return "failed";
  } else {
    const since = dateIn(request.field(FIELD.ifUnmodifiedSince));
    if (since !== undefined && lastModifiedSeconds !== undefined && lastModifiedSeconds > since)
      return "failed";
  }

  const ifNoneMatch = request.field(FIELD.ifNoneMatch);
  if (ifNoneMatch !== undefined) {
    const isKnown =
      listMatches(ifNoneMatch, etag, matchesWeakly) ||
      (formerEtag !== undefined && listMatches(ifNoneMatch, formerEtag, matchesWeakly));
    return isKnown ? "not-modified" : "proceed";
  }
  const since = dateIn(request.field(FIELD.ifModifiedSince));
  return since !== undefined && lastModifiedSeconds !== undefined && lastModifiedSeconds <= since
    ? "not-modified"
    : "proceed";
}

/**
 * Is a Range to be obeyed (RFC 9110 §13.1.5)? Without If-Range it is; with it, only when the validator is strong
 * and the same. A date is strong once it is over: a file may change twice within the second of its date.
 */
export function rangeApplies(request: PlanRequest, validators: Validators, nowMs: number): boolean {
  const ifRange = request.field(FIELD.ifRange);
  if (ifRange === undefined) return true;
  if (isEntityTag(ifRange)) return validators.etag !== undefined && matchesStrongly(ifRange, validators.etag);
  const date = dateIn(ifRange);
  return date !== undefined && date === validators.lastModifiedSeconds && nowMs >= (date + 1) * 1000;
}

/** Whole seconds since 1970. What is not a date counts as absent. */
function dateIn(value: string | undefined): number | undefined {
  const ms = value === undefined ? undefined : parseHttpDate(value);
  return ms === undefined ? undefined : ms / 1000;
}
