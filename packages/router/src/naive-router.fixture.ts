/**
 * The router as a list: every route is tried, the most specific of those that match wins. It shares no code with
 * the router, neither parsing nor matching, and is what the router is tested against.
 */

export type NaivePiece =
  | { readonly text: string }
  | { readonly name: string; readonly constraint?: NaiveConstraint };

export interface NaiveConstraint {
  /** As in a pattern, e.g. `(int)`. */
  readonly source: string;
  readonly regex: RegExp;
}

export interface NaiveSegment {
  readonly pieces: readonly NaivePiece[];
  readonly optional?: boolean;
}

export interface NaiveRoute {
  readonly method: string;
  readonly segments: readonly NaiveSegment[];
  readonly wildcard?: string;
}

export interface NaiveOptions {
  readonly caseSensitive: boolean;
  readonly ignoreTrailingSlash: boolean;
}

export interface NaiveAnswer {
  readonly outcome: "found" | "options" | "bad-path" | "not-found" | "method-not-allowed";
  readonly route?: NaiveRoute;
  readonly params?: Readonly<Record<string, string>>;
  readonly allow?: readonly string[];
}

interface Variant {
  readonly route: NaiveRoute;
  readonly segments: readonly NaiveSegment[];
  readonly wildcard: string | undefined;
  readonly sequence: number;
}

export function patternOf(route: NaiveRoute): string {
  const segments = route.segments.map(({ pieces, optional }) => {
    const text = pieces.map((piece, index) => {
      if (!("text" in piece)) return `:${piece.name}${piece.constraint?.source ?? ""}`;
      const before = pieces[index - 1];
      return encodeLiteral(piece.text, before !== undefined && "name" in before);
    });
    return `/${text.join("")}${optional ? "?" : ""}`;
  });
  if (route.wildcard !== undefined) segments.push(`/*${route.wildcard}`);
  return segments.length === 0 ? "/" : segments.join("");
}

/** What begins like a name must be encoded behind one. */
function encodeLiteral(text: string, behindName: boolean): string {
  const reserved = behindName ? /^[\w$]|[/%?*:(){}]/g : /[/%?*:(){}]/g;
  return text.replace(reserved, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** What a literal stands for is compared with its letters in lower case where the option says so. */
function folded(text: string, options: NaiveOptions): string {
  return options.caseSensitive ? text : text.replace(/[A-Z]/g, (char) => char.toLowerCase());
}

export class NaiveRouter {
  readonly #options: NaiveOptions;
  readonly #variants: Variant[] = [];
  /** The first variant that went through each edge: the order of equally specific ones. */
  readonly #firstThrough = new Map<string, number>();

  constructor(options: NaiveOptions) {
    this.#options = options;
  }

  /** False when a route with this method and place exists; the route is not added then. */
  add(route: NaiveRoute): boolean {
    const added: Variant[] = [];
    for (const segments of this.#writeOut(route)) {
      const variant = {
        route,
        segments,
        wildcard: route.wildcard,
        sequence: this.#variants.length + added.length,
      };
      const meets = [...this.#variants, ...added].find(
        (other) => other.route.method === route.method && this.#place(other) === this.#place(variant),
      );
      if (meets === undefined) added.push(variant);
      else if (meets.route !== route) return false;
    }
    for (const variant of added) {
      this.#variants.push(variant);
      for (let depth = 0; depth < variant.segments.length; depth++) {
        const through = this.#through(variant, depth);
        if (!this.#firstThrough.has(through)) this.#firstThrough.set(through, variant.sequence);
      }
    }
    return true;
  }

  match(method: string, target: string): NaiveAnswer {
    const path = target.split("?")[0]!;
    const raw = path.slice(1).split("/");
    let segments: string[];
    try {
      segments = raw.map((segment) => decodeURIComponent(segment));
    } catch {
      return { outcome: "bad-path" };
    }
    const matching = this.#variants
      .map((variant) => ({ variant, params: this.#paramsOf(variant, segments, raw) }))
      .filter((each) => each.params !== undefined)
      .sort((a, b) => this.#compare(a.variant, b.variant, segments));
    const answers = (route: NaiveRoute, asked: string) =>
      route.method === asked || route.method === "*" || (asked === "HEAD" && route.method === "GET");
    const best = matching.find(({ variant }) => answers(variant.route, method));
    if (best !== undefined) {
      // At one place a method's own route precedes GET's for HEAD, and that the one for all methods.
      const rank = (other: string) => [method, "GET", "*"].indexOf(other);
      const samePlace = matching.filter(
        ({ variant }) => answers(variant.route, method) && this.#place(variant) === this.#place(best.variant),
      );
      samePlace.sort((a, b) => rank(a.variant.route.method) - rank(b.variant.route.method));
      const { variant, params } = samePlace[0]!;
      return { outcome: "found", route: variant.route, params: params! };
    }
    if (matching.length === 0) return { outcome: "not-found" };
    const allow = new Set(["OPTIONS"]);
    for (const { variant } of matching) {
      allow.add(variant.route.method);
      if (variant.route.method === "GET") allow.add("HEAD");
    }
    return { outcome: method === "OPTIONS" ? "options" : "method-not-allowed", allow: [...allow].sort() };
  }

  #writeOut(route: NaiveRoute): NaiveSegment[][] {
    let lists: NaiveSegment[][] = [[]];
    for (const segment of route.segments) {
      lists = lists.flatMap((list) => (segment.optional ? [[...list, segment], list] : [[...list, segment]]));
    }
    return lists;
  }

  /** What tells places apart: texts and constraints, not names. */
  #place(variant: Variant): string {
    let segments = variant.segments.map((segment) => this.#key(segment.pieces));
    if (this.#options.ignoreTrailingSlash && segments.length > 1 && segments.at(-1) === "") {
      segments = segments.slice(0, -1);
    }
    if (segments.length === 0 && variant.wildcard === undefined) segments = [""];
    return JSON.stringify([segments, variant.wildcard !== undefined]);
  }

  #key(pieces: readonly NaivePiece[]): string {
    return pieces
      .map((piece) =>
        "text" in piece
          ? JSON.stringify(folded(piece.text, this.#options))
          : `:${piece.constraint?.source ?? ""}`,
      )
      .join("");
  }

  #through(variant: Variant, depth: number): string {
    return JSON.stringify(variant.segments.slice(0, depth + 1).map((segment) => this.#key(segment.pieces)));
  }

  #paramsOf(
    variant: Variant,
    segments: readonly string[],
    raw: readonly string[],
  ): Record<string, string> | undefined {
    const params: Record<string, string> = {};
    const own =
      variant.segments.length === 0 && variant.wildcard === undefined ? [{ pieces: [] }] : variant.segments;
    if (variant.wildcard !== undefined) {
      if (segments.length <= own.length) return undefined;
      const rest = raw.slice(own.length).join("/");
      params[variant.wildcard === "" ? "*" : variant.wildcard] = decodeURIComponent(rest);
    } else if (!this.#sameLength(own, segments)) {
      return undefined;
    }
    for (let depth = 0; depth < Math.min(own.length, segments.length); depth++) {
      if (!this.#split(own[depth]!.pieces, segments[depth]!, params)) return undefined;
    }
    return params;
  }

  #sameLength(own: readonly NaiveSegment[], segments: readonly string[]): boolean {
    if (own.length === segments.length) return true;
    if (!this.#options.ignoreTrailingSlash) return false;
    if (segments.length === own.length + 1) return segments.at(-1) === "" && own.at(-1)!.pieces.length > 0;
    return own.length === segments.length + 1 && own.at(-1)!.pieces.length === 0 && segments.at(-1) !== "";
  }

  /** Each parameter takes as little as lets the rest match. */
  #split(pieces: readonly NaivePiece[], segment: string, params: Record<string, string>): boolean {
    const [piece, ...others] = pieces;
    if (piece === undefined) return segment === "";
    if ("text" in piece) {
      const begins = folded(segment, this.#options).startsWith(folded(piece.text, this.#options));
      return begins && this.#split(others, segment.slice(piece.text.length), params);
    }
    const chars = Array.from(segment);
    for (let length = 1; length <= chars.length; length++) {
      const value = chars.slice(0, length).join("");
      if (piece.constraint !== undefined && !piece.constraint.regex.test(value)) continue;
      if (!this.#split(others, chars.slice(length).join(""), params)) continue;
      params[piece.name] = value;
      return true;
    }
    return false;
  }

  /** Negative when `a` precedes: decided by the first segment in which they differ. */
  #compare(a: Variant, b: Variant, segments: readonly string[]): number {
    for (let depth = 0; depth < segments.length; depth++) {
      const left = this.#weight(a, depth, segments[depth]!);
      const right = this.#weight(b, depth, segments[depth]!);
      for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return right[i]! - left[i]!;
    }
    return 0;
  }

  /** Text in front, then whether it is static, a parameter or a wildcard, then how specific, then which came first. */
  #weight(variant: Variant, depth: number, segment: string): number[] {
    const own = variant.segments[depth];
    if (own === undefined) return variant.wildcard === undefined ? [bytesOf(segment), 2, 0, 0] : [0, 0, 0, 0];
    const [first, ...rest] = own.pieces;
    const hasText = first !== undefined && "text" in first;
    const inFront = hasText ? bytesOf(first.text) : 0;
    const behind = first === undefined || hasText ? rest : own.pieces;
    if (behind.length === 0) return [inFront, 2, 0, 0];
    let specific = 0;
    for (const piece of behind) {
      if ("text" in piece) specific += 100 * bytesOf(piece.text);
      else if (piece.constraint !== undefined) specific += 1;
    }
    return [inFront, 1, specific, -this.#firstThrough.get(this.#through(variant, depth))!];
  }
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}
