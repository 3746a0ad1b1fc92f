/** What a `location` is for, in terms that a mount can say. */
import type { Directive } from "./directive.js";

export type LocationMatch =
  /** @param isFinal `^~`: no regular expression is asked after it */
  | { readonly kind: "prefix"; readonly path: string; readonly isFinal: boolean }
  | { readonly kind: "exact"; readonly path: string }
  /** Files with these extensions, spelled as they are asked for. */
  | { readonly kind: "extensions"; readonly extensions: readonly string[] }
  /** Names that begin with a dot. */
  | { readonly kind: "dotfiles" }
  | { readonly kind: "unknown"; readonly why: string };

export function locationMatch({ args }: Directive): LocationMatch {
  const [first = "", second] = args;
  if (second === undefined) {
    // `location =/x`, `location ~*\.css$`: the modifier may touch.
    const [, modifier, rest] = /^(=|\^~|~\*|~)(.+)$/s.exec(first) ?? [];
    return modifier === undefined ? ofPath(first, undefined) : of(modifier, rest!);
  }
  return args.length === 2 ? of(first, second) : { kind: "unknown", why: "takes one pattern" };
}

function of(modifier: string, pattern: string): LocationMatch {
  if (modifier === "~" || modifier === "~*") return ofExpression(pattern, modifier === "~*");
  if (modifier === "=" || modifier === "^~") return ofPath(pattern, modifier);
  return { kind: "unknown", why: `"${modifier}" is no modifier of a location` };
}

function ofPath(path: string, modifier: "=" | "^~" | undefined): LocationMatch {
  if (path.startsWith("@")) {
    return {
      kind: "unknown",
      why: "named locations are for proxies; a handler of @tz/server can do what it does",
    };
  }
  if (!path.startsWith("/")) return { kind: "unknown", why: "a location begins with a slash" };
  return modifier === "=" ? { kind: "exact", path } : { kind: "prefix", path, isFinal: modifier === "^~" };
}

/** `\.php$`, `\.(css|js)$`, `^.+\.(?:jpe?g|png)$`; with `?` after a character, as in `woff2?`. */
const EXTENSIONS = /^(?:\^?(?:\/)?\.[*+])?\\\.(?:\((?:\?:)?([\w|?]+)\)|([\w?]+))\$$/;
/** `/\.`, `/\.(?!well-known)`, `/\.(?!well-known).*`, `/\.ht`, `/\.(git|svn)`, `(^|/)\.`. */
const DOTFILES =
  /^(?:\^?\/|\(\^\|\/\))\\\.(?:\(\?!\\?\/?well-known(?:\\?\/)?\)|\w+|\([\w|]+\))?(?:\.\*|\(\.\*\))?\$?$/;

function ofExpression(expression: string, ignoresCase: boolean): LocationMatch {
  const [, group, single] = EXTENSIONS.exec(expression) ?? [];
  const alternatives = (group ?? single)?.split("|").flatMap(withOptionalParts);
  if (alternatives?.every((each) => /^\w+$/.test(each))) {
    // Globs see case. People write names in small or in capital letters, not in both.
    const upper = ignoresCase ? alternatives.map((each) => each.toUpperCase()) : [];
    return { kind: "extensions", extensions: [...new Set([...alternatives, ...upper])] };
  }
  if (DOTFILES.test(expression)) return { kind: "dotfiles" };
  return {
    kind: "unknown",
    why: "of regular expressions only extensions (~* \\.(css|js)$) and names with a dot (~ /\\.) can be converted; write prefixes, or a handler of @tz/server",
  };
}

/** `jpe?g` to `jpg` and `jpeg`. */
function withOptionalParts(text: string): string[] {
  const mark = text.indexOf("?");
  if (mark < 1) return [text];
  const head = text.slice(0, mark);
  const rest = text.slice(mark + 1);
  return [...withOptionalParts(head.slice(0, -1) + rest), ...withOptionalParts(head + rest)];
}
