/**
 * Byte ranges (RFC 9110 §14.1.2, §14.2): what a Range field asks of a representation of a known length.
 *
 * Ranges that overlap or touch are made one, so that no answer is longer than the file, and a request with more
 * than `maxRanges` is answered as if it had no Range (the RFC allows it; it is how many tiny or overlapping
 * ranges, CVE-2011-3192, stay harmless).
 */

/** `[start, end)` of the representation. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * - `"whole"`: no Range that we understand: answer 200
 * - `"unsatisfiable"`: well formed, but nothing of it exists: 416
 * - the ranges, in the order asked for
 */
export type RangeRequest = "whole" | "unsatisfiable" | readonly ByteRange[];

const SPEC = /^(?:(\d+)-(\d*)|-(\d+))$/;

export function parseRange(value: string, byteLength: number, maxRanges: number): RangeRequest {
  const unit = /^bytes[\t ]*=/i.exec(value);
  if (unit === null) return "whole";
  const ranges: ByteRange[] = [];
  let specs = 0;
  for (let at = unit[0].length; at <= value.length; ) {
    const comma = value.indexOf(",", at);
    const end = comma < 0 ? value.length : comma;
    const text = value.slice(at, end).trim();
    at = end + 1;
    if (text === "") continue;
    if (++specs > maxRanges) return "whole";
    const range = parseSpec(text, byteLength);
    if (range === undefined) return "whole";
    if (range.start < range.end) ranges.push(range);
  }
  if (specs === 0) return "whole";
  if (ranges.length === 0) {
    // A suffix of an empty file is satisfiable, and is the whole of it; no Content-Range could say that.
    return byteLength === 0 && /=[\t ,]*-0*[1-9]/.test(value) ? "whole" : "unsatisfiable";
  }
  return ranges.length === 1 ? ranges : coalesce(ranges);
}

/** `undefined` when malformed; an empty range when nothing of it exists. Numbers beyond 2^53 only grow inexact. */
function parseSpec(text: string, byteLength: number): ByteRange | undefined {
  const m = SPEC.exec(text);
  if (m === null) return undefined;
  if (m[3] !== undefined) return { start: Math.max(0, byteLength - Number(m[3])), end: byteLength };
  const start = Number(m[1]);
  const last = m[2] === "" ? Number.POSITIVE_INFINITY : Number(m[2]);
  return last < start ? undefined : { start, end: Math.min(last + 1, byteLength) };
}

/** Joins what overlaps or touches; a joined range stands where its first part was asked for. */
function coalesce(ranges: readonly ByteRange[]): ByteRange[] {
  const sorted = ranges.map((range, order) => ({ ...range, order })).sort((a, b) => a.start - b.start);
  const joined: { start: number; end: number; order: number }[] = [];
  for (const range of sorted) {
    const last = joined.at(-1);
    if (last === undefined || range.start > last.end) {
      joined.push(range);
    } else {
      last.end = Math.max(last.end, range.end);
      last.order = Math.min(last.order, range.order);
    }
  }
  return joined.sort((a, b) => a.order - b.order).map(({ start, end }) => ({ start, end }));
}
