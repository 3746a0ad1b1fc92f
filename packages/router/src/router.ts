import { RouterError } from "./errors.js";
import { RouteMatch } from "./match.js";
import { Matcher } from "./matcher.js";
import { ANY_MASK, ANY_METHOD, MethodTable, OTHER_BIT } from "./methods.js";
import { type ResolvedRouterOptions, type RouterOptions, resolveOptions } from "./options.js";
import { parsePattern } from "./pattern.js";
import { Route } from "./route.js";
import { Tree } from "./tree.js";

interface Mount<Value> {
  readonly router: Router<Value>;
  readonly prefix: string;
}

/**
 * Routes by method and path. The README has the patterns and which of two routes precedes.
 *
 * ```ts
 * const router = new Router<Handler>();
 * router.add("GET", "/users/:id(int)", getUser);
 * const match = router.match("GET", "/users/42?full");
 * match.value;         // getUser
 * match.typed("id");   // 42
 * ```
 */
export class Router<Value = unknown> {
  readonly #options: ResolvedRouterOptions;
  readonly #methods = new MethodTable();
  readonly #tree: Tree;
  readonly #matcher: Matcher;
  readonly #routes: Route<Value>[] = [];
  readonly #mountedIn: Mount<Value>[] = [];
  readonly #match = new RouteMatch<Value>();

  /**
   * @throws RouterError `TZ_ROUTER_OPTION`
   */
  constructor(options: RouterOptions = {}) {
    this.#options = resolveOptions(options);
    const { autoHead, caseSensitive, maxVisits, trailingSlash } = this.#options;
    this.#tree = new Tree({
      caseSensitive,
      ignoreTrailingSlash: trailingSlash === "ignore",
      visitsMax: maxVisits,
      answered: (mask) => {
        if ((mask & OTHER_BIT) !== 0) return ANY_MASK;
        return autoHead && (mask & MethodTable.GET) !== 0 ? mask | MethodTable.HEAD : mask;
      },
    });
    this.#matcher = new Matcher(this.#tree, this.#methods, this.#options);
  }

  /** The routes in the order in which they were added, those of mounted routers among them. */
  get routes(): readonly Route<Value>[] {
    return this.#routes;
  }

  /** How many nodes of the tree one match can visit at most, whatever the path is. */
  get visitsMax(): number {
    return this.#tree.root.visitsMax;
  }

  /**
   * Adds a route.
   *
   * @param method a method, several, or `"*"` for all; case-sensitive (RFC 9110 §9.1)
   * @throws RouterError when the pattern cannot be read or conflicts with another route; nothing is added then
   */
  add<const Pattern extends string>(
    method: string | readonly string[],
    pattern: Pattern,
    value: Value,
  ): Route<Value, Pattern> {
    const methods = Object.freeze((Array.isArray(method) ? [...method] : [method]) as string[]);
    const route = new Route<Value, Pattern>(methods, pattern, value);
    allOrNothing((undo) => this.#insert(route as Route<Value>, undo));
    return route;
  }

  get<const Pattern extends string>(pattern: Pattern, value: Value): Route<Value, Pattern> {
    return this.add("GET", pattern, value);
  }

  post<const Pattern extends string>(pattern: Pattern, value: Value): Route<Value, Pattern> {
    return this.add("POST", pattern, value);
  }

  put<const Pattern extends string>(pattern: Pattern, value: Value): Route<Value, Pattern> {
    return this.add("PUT", pattern, value);
  }

  patch<const Pattern extends string>(pattern: Pattern, value: Value): Route<Value, Pattern> {
    return this.add("PATCH", pattern, value);
  }

  delete<const Pattern extends string>(pattern: Pattern, value: Value): Route<Value, Pattern> {
    return this.add("DELETE", pattern, value);
  }

  /** Adds a route for every method that has no route of its own at the same place. */
  all<const Pattern extends string>(pattern: Pattern, value: Value): Route<Value, Pattern> {
    return this.add(ANY_METHOD, pattern, value);
  }

  /**
   * Makes the routes of another router, those it has and those it will have, routes of this one below `prefix`.
   * They go into one tree: routers may share a prefix, and a match costs what it would without them. The
   * other's `/` becomes the prefix itself.
   *
   * @param prefix a pattern, with parameters if wanted; `/` for none
   * @throws RouterError `TZ_ROUTER_MOUNT`, or as {@link Router.add}; nothing is mounted then
   */
  mount(prefix: string, router: Router<Value>): this {
    this.#checkMount(prefix, router);
    const mount: Mount<Value> = { router: this, prefix: prefix.endsWith("/") ? prefix.slice(0, -1) : prefix };
    allOrNothing((undo) => {
      for (const route of router.#routes) Router.#insertMounted(mount, route, undo);
    });
    router.#mountedIn.push(mount);
    return this;
  }

  /**
   * Finds the route of a request.
   *
   * @param target path with or without a query (origin form, RFC 9112 §3.2.1), percent-encoded as it was sent
   * @param into receives the result; by default an object of this router, which its next match overwrites
   */
  match(method: string, target: string, into: RouteMatch<Value> = this.#match): RouteMatch<Value> {
    this.#matcher.matchText(method, target, into);
    return into;
  }

  /**
   * {@link Router.match} for a target in memory. It allocates nothing as long as the matches into one object
   * come from one `bytes` object.
   */
  matchBytes(
    method: string,
    bytes: Uint8Array,
    start: number,
    end: number,
    into: RouteMatch<Value> = this.#match,
  ): RouteMatch<Value> {
    this.#matcher.matchBytes(method, bytes, start, end, into);
    return into;
  }

  /** Writes the tree out as code now; by default that happens after some matches. */
  compile(): this {
    this.#matcher.compile();
    return this;
  }

  #insert(route: Route<Value>, undo: (() => void)[]): void {
    const variants = parsePattern(route.pattern);
    if (route.methods.length === 0)
      throw new RouterError("TZ_ROUTER_METHOD", `"${route.pattern}" has no method`);
    this.#matcher.treeChanged();
    const bits = route.methods.map((method) =>
      method === ANY_METHOD ? OTHER_BIT : this.#methods.define(method),
    );
    undo.push(this.#tree.insert(route, variants, bits));
    this.#routes.push(route);
    undo.push(() => this.#routes.pop());
    for (const mount of this.#mountedIn) Router.#insertMounted(mount, route, undo);
  }

  #checkMount(prefix: string, router: Router<Value>): void {
    if (!prefix.startsWith("/")) {
      throw new RouterError("TZ_ROUTER_MOUNT", `The prefix "${prefix}" must start with "/"`);
    }
    if (router === this || this.#isMountedIn(router)) {
      throw new RouterError("TZ_ROUTER_MOUNT", `The router mounted at "${prefix}" would contain itself`);
    }
    for (const name of ["caseSensitive", "trailingSlash"] as const) {
      const [own, other] = [this.#options[name], router.#options[name]];
      if (own === other) continue;
      throw new RouterError(
        "TZ_ROUTER_MOUNT",
        `The router mounted at "${prefix}" has ${name}: ${other}, the one it is mounted in ${own}: one tree cannot do both`,
      );
    }
  }

  #isMountedIn(router: Router<Value>): boolean {
    return this.#mountedIn.some((mount) => mount.router === router || mount.router.#isMountedIn(router));
  }

  /** In the outer router: `/` of a mounted one is its prefix. */
  static #insertMounted<Value>(mount: Mount<Value>, route: Route<Value>, undo: (() => void)[]): void {
    const pattern =
      route.pattern === "/" && mount.prefix !== "" ? mount.prefix : mount.prefix + route.pattern;
    mount.router.#insert(new Route(route.methods, pattern, route.value, route), undo);
  }
}

/** Takes everything back that was done when one step fails. */
function allOrNothing(work: (undo: (() => void)[]) => void): void {
  const undo: (() => void)[] = [];
  try {
    work(undo);
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw error;
  }
}
