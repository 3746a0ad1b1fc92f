/** The Content-Type of a file by its name. */
import { lookup } from "mime-types";

/** Types that are text although their name does not say so: they get a charset too. */
const TEXTUAL = new Set([
  "application/javascript",
  "application/json",
  "application/ld+json",
  "application/manifest+json",
  "application/xml",
  "image/svg+xml",
]);

/** What a file with no known extension is: bytes. A browser saves it and never runs it. */
const UNKNOWN = "application/octet-stream";

/** The part after the last dot, lower-cased, without the dot; `""` when there is none. */
export function extensionOf(name: string): string {
  const dot = name.lastIndexOf(".");
  return dot <= name.lastIndexOf("/") + 1 ? "" : name.slice(dot + 1).toLowerCase();
}

export interface MediaTypeRules {
  /** Appended to text types; `false` appends none. */
  readonly charset: string | false;
  /** Extension (no dot, lower case) to media type. */
  readonly overrides: ReadonlyMap<string, string>;
}

/** e.g. `"text/css; charset=utf-8"`. */
export function mediaTypeOf(name: string, rules: MediaTypeRules): string {
  const extension = extensionOf(name);
  const own = rules.overrides.get(extension);
  if (own?.includes(";")) return own;
  const type = own ?? (extension === "" ? UNKNOWN : lookup(extension) || UNKNOWN);
  return rules.charset !== false && isText(type) ? `${type}; charset=${rules.charset}` : type;
}

/** Is it text, so that a charset means something? The type comes without parameters. */
export function isText(type: string): boolean {
  return type.startsWith("text/") || TEXTUAL.has(type);
}
