/** Every code that this package throws, with what it means. The README's table is pinned to it by a test. */
export const ROUTER_ERROR_CODES = {
  TZ_ROUTER_OPTION: "an option is unknown, of the wrong type or out of its bounds",
  TZ_ROUTER_PATTERN: "a pattern cannot be read, or is longer or has more parameters than the limits",
  TZ_ROUTER_PARAM_TYPE: "a pattern names a parameter type that does not exist, e.g. `:id(integer)`",
  TZ_ROUTER_REGEX:
    "a parameter's regular expression cannot be read, is not regular, or needs too many states",
  TZ_ROUTER_METHOD: "a method is not a token (RFC 9110 §9.1), or the router knows too many of them",
  TZ_ROUTER_DUPLICATE: "a route with this method and place exists already",
  TZ_ROUTER_PARAM_NAME: "two routes give two names to the parameter at one place",
  TZ_ROUTER_AMBIGUOUS: "with this route one match could visit more than `maxVisits` nodes",
  TZ_ROUTER_MOUNT: "a router cannot be mounted: it would contain itself, or its options differ",
} as const;

export type RouterErrorCode = keyof typeof ROUTER_ERROR_CODES;

/**
 * The one error class of this package. Match on `code`, which is stable; the message names the pattern, and for
 * a conflict both patterns. All are thrown while routes are added, never by a match; the router is then as it
 * was before the call.
 */
export class RouterError extends Error {
  override readonly name = "RouterError";
  readonly code: RouterErrorCode;

  constructor(code: RouterErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
