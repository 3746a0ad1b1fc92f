import { RouterError } from "./errors.js";
import type { Failure } from "./match.js";
import { ROUTER_LIMITS } from "./options.js";

/** Matches every method, also those that no route names. */
export const ANY_METHOD = "*";

/** Stands in a mask for the methods that no route names. */
export const OTHER_BIT = 1 << 31;
/** The mask of a route for {@link ANY_METHOD}. */
export const ANY_MASK = -1;

/** RFC 9110 §5.6.2 */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

const GET_BIT = 1;
const HEAD_BIT = 2;
const OPTIONS_BIT = 4;

/**
 * Gives each method of a router a bit, so that the methods of a place are one integer. GET, HEAD and OPTIONS
 * come first because the automatic answers need them.
 */
export class MethodTable {
  readonly #bits = new Map<string, number>([
    ["GET", GET_BIT],
    ["HEAD", HEAD_BIT],
    ["OPTIONS", OPTIONS_BIT],
  ]);
  readonly #failures = new Map<number, Failure>();

  static readonly GET = GET_BIT;
  static readonly HEAD = HEAD_BIT;
  static readonly OPTIONS = OPTIONS_BIT;

  /** The bits that are given, each of one method. */
  bits(): number[] {
    return [...this.#bits.values()];
  }

  /** The bit of a method, {@link OTHER_BIT} when no route names it. Methods are case-sensitive (RFC 9110 §9.1). */
  bitOf(method: string): number {
    if (method === "GET") return GET_BIT;
    return this.#bits.get(method) ?? OTHER_BIT;
  }

  /**
   * The bit of a method that a route names.
   *
   * @throws RouterError `TZ_ROUTER_METHOD` when it is not a token, or the 31st.
   */
  define(method: string): number {
    const known = this.#bits.get(method);
    if (known !== undefined) return known;
    if (typeof method !== "string" || !TOKEN.test(method)) {
      throw new RouterError("TZ_ROUTER_METHOD", `${JSON.stringify(method)} is not a method (RFC 9110 §9.1)`);
    }
    const limit = ROUTER_LIMITS.methods.value;
    if (this.#bits.size >= limit) {
      throw new RouterError(
        "TZ_ROUTER_METHOD",
        `"${method}" would be one more than ${limit} different methods`,
      );
    }
    const bit = 1 << this.#bits.size;
    this.#bits.set(method, bit);
    return bit;
  }

  /** A failure that carries the names of the methods in `mask` as an `Allow` field (RFC 9110 §10.2.1). */
  failureWith(outcome: "options" | "method-not-allowed", mask: number): Failure {
    const key = outcome === "options" ? mask | OTHER_BIT : mask & ~OTHER_BIT;
    let failure = this.#failures.get(key);
    if (failure === undefined) {
      const names = [...this.#bits.keys()].filter((name) => (mask & this.#bits.get(name)!) !== 0);
      failure = { outcome, allow: names.join(", ") };
      this.#failures.set(key, failure);
    }
    return failure;
  }
}

/** Position of a single bit. */
export function bitIndex(bit: number): number {
  return 31 - Math.clz32(bit);
}
