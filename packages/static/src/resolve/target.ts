/**
 * From the request target to a path below the root: decoded once, and only if it has one meaning.
 *
 * Everything that servers and the code before them read differently is refused instead of repaired: dot
 * segments in any spelling, an encoded slash, a backslash, NUL and other controls, bytes that are not UTF-8.
 * A guard in front of a mount (`app.use("/admin", login)`) then sees the same path that we serve.
 */

export interface TargetPath {
  /** The target as it came, without its query. */
  readonly raw: string;
  /** Decoded, without the mount prefix, joined by `/`, no slash at either end; `""` is the root itself. */
  readonly path: string;
  readonly segments: readonly string[];
  /** The target ended in `/` (or was the prefix itself with one). */
  readonly isDirectory: boolean;
  /** The one spelling of this target, with prefix, without query. Caches are keyed by it; redirects send it. */
  readonly canonical: string;
  /** The prefix as it stands in front of a path: `""` for `/`. */
  readonly base: string;
}

/**
 * - `"malformed"`: no meaning at all, 400
 * - `"ambiguous"`: readable in two ways, 400
 * - `"elsewhere"`: not below the prefix, 404
 */
export type TargetFault = "malformed" | "ambiguous" | "elsewhere";

/** A path of these characters alone, without `//` or dot segments, is its own canonical form. */
const PLAIN = /^[A-Za-z0-9\-._~!$&'()*+,;=:@/]*$/;
const DOT_SEGMENT = /(?:^|\/)\.{1,2}(?:\/|$)/;
const CONTROL = /[\x00-\x1f\x7f]/;

/**
 * @param target origin form, `"/a/b?x"`
 * @param prefix the mount's, `"/"` or `"/assets"`
 */
export function parseTarget(target: string, prefix: string): TargetPath | TargetFault {
  const mark = target.indexOf("?");
  const raw = mark < 0 ? target : target.slice(0, mark);
  if (raw.charCodeAt(0) !== SLASH) return "malformed";
  const rest = belowPrefix(raw, prefix);
  if (rest === undefined) return "elsewhere";

  const segments: string[] = [];
  const isPlain = PLAIN.test(rest);
  if (isPlain && DOT_SEGMENT.test(rest)) return "ambiguous";
  for (const part of rest.split("/")) {
    if (part === "") continue;
    const segment = isPlain ? part : decodeSegment(part);
    if (segment === undefined) return "malformed";
    if (isAmbiguous(segment)) return "ambiguous";
    segments.push(segment);
  }

  const isDirectory = rest === "" || rest.endsWith("/");
  const base = prefix === "/" ? "" : prefix;
  const below = segments.map(encodeSegment).join("/");
  // Empty segments are left out: whoever asked with them is sent here.
  const canonical = below === "" ? `${base}/` : `${base}/${below}${isDirectory ? "/" : ""}`;
  return {
    raw,
    path: segments.join("/"),
    segments,
    isDirectory,
    canonical,
    base,
  };
}

const SLASH = 0x2f;

/** What follows the prefix, from its `/` on; `""` for the prefix itself. */
function belowPrefix(raw: string, prefix: string): string | undefined {
  if (prefix === "/") return raw;
  if (!raw.startsWith(prefix)) return undefined;
  return raw.length === prefix.length || raw.charCodeAt(prefix.length) === SLASH
    ? raw.slice(prefix.length)
    : undefined;
}

/** Percent-decodes once. Parsers hand raw bytes over as Latin-1: those above 0x7f are UTF-8 that was not encoded. */
function decodeSegment(part: string): string | undefined {
  try {
    return decodeURIComponent(part.replace(/[\x80-\xff]/g, (c) => `%${c.charCodeAt(0).toString(16)}`));
  } catch {
    return undefined;
  }
}

function isAmbiguous(segment: string): boolean {
  return segment === "." || segment === ".." || /[/\\]/.test(segment) || CONTROL.test(segment);
}

/** Has a file of this name an address? Not with a backslash or a control character in it. */
export function isAddressable(name: string): boolean {
  return !isAmbiguous(name);
}

/** Encodes all but unreserved characters, sub-delims, `:` and `@` (the `pchar` of RFC 3986 §3.3). */
export function encodeSegment(segment: string): string {
  return PLAIN.test(segment)
    ? segment
    : encodeURIComponent(segment).replace(/%(?:24|26|2B|2C|3B|3D|3A|40)/g, decodeURIComponent);
}
