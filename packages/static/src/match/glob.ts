/**
 * Globs over paths below the root. Matched in time that is bounded by pattern × path, whatever the path: no
 * regular expression that can be made to backtrack.
 *
 * - `*` any characters but `/`, `?` one of them, `[a-z]` or `[!a-z]` one of a set
 * - a segment that is `**` stands for any number of segments, none included
 * - `{a,b}` either
 * - a pattern without `/` is matched against the last segment alone: `*.map` is every map, wherever it lies
 */
export type PathMatcher = (path: string) => boolean;

type Token =
  | { readonly kind: "text"; readonly character: string }
  | { readonly kind: "any" }
  | { readonly kind: "star" }
  | {
      readonly kind: "set";
      readonly isNegated: boolean;
      readonly ranges: readonly (readonly [string, string])[];
    };

type Segment = "**" | readonly Token[];

/** More alternatives than anyone writes by hand. */
const ALTERNATIVES_MAX = 256;

/** `undefined` when the pattern is not a glob: an open `[` or `{`, or braces beyond any reason. */
export function compileGlob(pattern: string): PathMatcher | undefined {
  const alternatives = expandBraces(pattern);
  if (alternatives === undefined || pattern === "") return undefined;
  const matchers: PathMatcher[] = [];
  for (const alternative of alternatives) {
    const matcher = compileOne(alternative);
    if (matcher === undefined) return undefined;
    matchers.push(matcher);
  }
  return matchers.length === 1 ? matchers[0] : (path) => matchers.some((matches) => matches(path));
}

function compileOne(pattern: string): PathMatcher | undefined {
  const segments: Segment[] = [];
  for (const text of pattern.replace(/^\//, "").split("/")) {
    const segment = text === "**" ? text : tokenize(text);
    if (segment === undefined) return undefined;
    segments.push(segment);
  }
  if (!pattern.includes("/")) {
    const [only] = segments;
    if (only === "**") return () => true;
    return (path) => matchesSegment(only as readonly Token[], path.slice(path.lastIndexOf("/") + 1));
  }
  return (path) => matchesPath(segments, path.split("/"));
}

function tokenize(text: string): readonly Token[] | undefined {
  const tokens: Token[] = [];
  const characters = [...text];
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i]!;
    if (character === "*") {
      if (tokens.at(-1)?.kind !== "star") tokens.push({ kind: "star" });
    } else if (character === "?") {
      tokens.push({ kind: "any" });
    } else if (character === "[") {
      const end = characters.indexOf("]", i + 2);
      if (end < 0) return undefined;
      tokens.push(setOf(characters.slice(i + 1, end)));
      i = end;
    } else {
      tokens.push({ kind: "text", character });
    }
  }
  return tokens;
}

function setOf(characters: string[]): Token {
  const isNegated = characters[0] === "!" || characters[0] === "^";
  const members = isNegated ? characters.slice(1) : characters;
  const ranges: [string, string][] = [];
  for (let i = 0; i < members.length; i++) {
    const from = members[i]!;
    const isRange = members[i + 1] === "-" && i + 2 < members.length;
    ranges.push([from, isRange ? members[i + 2]! : from]);
    if (isRange) i += 2;
  }
  return { kind: "set", isNegated, ranges };
}

/** Greedy; on a mismatch only the last `**` gives way, which is enough. */
function matchesPath(pattern: readonly Segment[], path: readonly string[]): boolean {
  let p = 0;
  let retryPattern = -1;
  let retryPath = 0;
  for (let i = 0; i < path.length; ) {
    const segment = pattern[p];
    if (segment === "**") {
      retryPattern = ++p;
      retryPath = i;
    } else if (segment !== undefined && matchesSegment(segment, path[i]!)) {
      p++;
      i++;
    } else if (retryPattern >= 0) {
      p = retryPattern;
      i = ++retryPath;
    } else {
      return false;
    }
  }
  while (pattern[p] === "**") p++;
  return p === pattern.length;
}

function matchesSegment(tokens: readonly Token[], text: string): boolean {
  const characters = [...text];
  let t = 0;
  let retryToken = -1;
  let retryAt = 0;
  for (let i = 0; i < characters.length; ) {
    const token = tokens[t];
    if (token?.kind === "star") {
      retryToken = ++t;
      retryAt = i;
    } else if (token !== undefined && matchesCharacter(token, characters[i]!)) {
      t++;
      i++;
    } else if (retryToken >= 0) {
      t = retryToken;
      i = ++retryAt;
    } else {
      return false;
    }
  }
  while (tokens[t]?.kind === "star") t++;
  return t === tokens.length;
}

function matchesCharacter(token: Token, character: string): boolean {
  if (token.kind === "text") return token.character === character;
  if (token.kind === "any") return true;
  if (token.kind === "star") return false;
  return token.ranges.some(([from, to]) => from <= character && character <= to) !== token.isNegated;
}

/** `a{b,c}d` to `abd`, `acd`; nested braces too. */
function expandBraces(pattern: string): string[] | undefined {
  const open = pattern.indexOf("{");
  if (open < 0) return pattern.includes("}") ? undefined : [pattern];
  let depth = 0;
  const parts: string[] = [];
  let from = open + 1;
  for (let i = open; i < pattern.length; i++) {
    const character = pattern[i];
    if (character === "{") depth++;
    else if (character === "}") depth--;
    if ((character === "," && depth === 1) || depth === 0) {
      parts.push(pattern.slice(from, i));
      from = i + 1;
    }
    if (depth > 0) continue;
    const expanded: string[] = [];
    for (const part of parts) {
      const inner = expandBraces(pattern.slice(0, open) + part + pattern.slice(i + 1));
      if (inner === undefined || expanded.length + inner.length > ALTERNATIVES_MAX) return undefined;
      expanded.push(...inner);
    }
    return expanded;
  }
  return undefined;
}
