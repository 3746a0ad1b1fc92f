import type { RouteMatch } from "./match.js";
import type { ParamsOf } from "./params-of.js";

/** A route as it was added. */
export class Route<Value = unknown, Pattern extends string = string> {
  readonly methods: readonly string[];
  /** With the prefixes under which its router is mounted. */
  readonly pattern: Pattern;
  readonly value: Value;
  /** The route of the mounted router that this one stands for. */
  readonly origin: Route<Value> | undefined;

  constructor(methods: readonly string[], pattern: Pattern, value: Value, origin?: Route<Value>) {
    this.methods = methods;
    this.pattern = pattern;
    this.value = value;
    this.origin = origin;
  }

  /**
   * The parameters of a match of this route, with their types; also of a match of a router in which it is mounted.
   *
   * @throws TypeError when `match` is a match of another route.
   */
  params(match: RouteMatch<Value>): ParamsOf<Pattern> {
    let route: Route | undefined = match.route;
    while (route !== undefined && route !== (this as Route)) route = route.origin;
    if (route === undefined) throw new TypeError(`This is no match of "${this.pattern}"`);
    return match.params() as ParamsOf<Pattern>;
  }
}
