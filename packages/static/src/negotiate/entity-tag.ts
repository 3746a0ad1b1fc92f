/**
 * Entity tags (RFC 9110 §8.8.3). A tag is kept as it stands on the wire, `"x"` or `W/"x"`.
 */

/** Strong comparison: both strong, and equal (RFC 9110 §8.8.3.2). */
export function matchesStrongly(a: string, b: string): boolean {
  return a === b && !a.startsWith("W/");
}

/** Weak comparison: equal once `W/` is taken off. */
export function matchesWeakly(a: string, b: string): boolean {
  return a === b || opaque(a) === opaque(b);
}

function opaque(tag: string): string {
  return tag.startsWith("W/") ? tag.slice(2) : tag;
}

/**
 * One member of the list and its comma. etagc: %x21 / %x23-7E / obs-text. Sticky, so that no scan is repeated,
 * and one place only for each run of blanks to match in, so that none is divided in every way there is.
 */
const MEMBER = /[\t ]*(?:((?:W\/)?"[\x21\x23-\x7e\x80-\uffff]*")[\t ]*)?(?:,|$)/y;

/**
 * Does any member of the field value match? `"*"` matches every current representation. What is not a list of
 * tags ends the list there: it cannot name us.
 */
export function listMatches(
  value: string,
  tag: string | undefined,
  compare: (a: string, b: string) => boolean,
): boolean {
  // What clients send nearly always: the one tag that we gave them.
  if (value === tag) return compare(value, tag);
  if (value.trim() === "*") return true;
  if (tag === undefined) return false;
  for (MEMBER.lastIndex = 0; MEMBER.lastIndex < value.length; ) {
    const found = MEMBER.exec(value);
    if (found === null) return false;
    if (found[1] !== undefined && compare(found[1], tag)) return true;
  }
  return false;
}

/** `true` when the text is exactly one entity tag. */
export function isEntityTag(text: string): boolean {
  return /^(?:W\/)?"[\x21\x23-\x7e\x80-\uffff]*"$/.test(text);
}
