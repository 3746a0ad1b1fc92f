/** The Content-Type of a file by its name. */
import { MEDIA_TYPES } from "./media-types.js";

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

let typeOf: Map<string, string> | undefined;

/** Of a known extension: lower case, no dot. */
function knownType(extension: string): string | undefined {
  typeOf ??= readTable(MEDIA_TYPES);
  return typeOf.get(extension);
}

function readTable(table: string): Map<string, string> {
  const types = new Map<string, string>();
  for (const line of table.trim().split("\n")) {
    const [type, ...extensions] = line.split(" ");
    for (const extension of extensions) types.set(extension, type!);
  }
  return types;
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
  const type = own ?? knownType(extension) ?? UNKNOWN;
  return rules.charset !== false && isText(type) ? `${type}; charset=${rules.charset}` : type;
}

/** Is it text, so that a charset means something? The type comes without parameters. */
export function isText(type: string): boolean {
  return type.startsWith("text/") || TEXTUAL.has(type);
}
