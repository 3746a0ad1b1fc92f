import { createHmac, timingSafeEqual } from "node:crypto";
import { ServerError } from "../errors.js";

const MIN_KEY_BYTES = 32;
/** SHA-256 in base64url. */
const SIGNATURE_LENGTH = 43;

/**
 * Signs cookie values with HMAC-SHA-256: `value.signature`. The name is signed too, so that one cookie's value cannot
 * be sent as another's. A signature does not hide the value, and does not expire: put a time into the value for that.
 */
export class CookieSigner {
  readonly #keys: readonly Uint8Array[];

  /**
   * @param keys of at least 32 bytes: the first signs, all verify, so that keys can be changed
   * @throws ServerError `TZ_SERVER_OPTION`
   */
  constructor(keys: readonly (string | Uint8Array)[]) {
    this.#keys = keys.map((key) => (typeof key === "string" ? Buffer.from(key) : Uint8Array.from(key)));
    if (this.#keys.length === 0 || this.#keys.some((key) => key.byteLength < MIN_KEY_BYTES)) {
      throw new ServerError(
        "TZ_SERVER_OPTION",
        `a signer needs keys of at least ${MIN_KEY_BYTES} bytes each`,
      );
    }
  }

  sign(name: string, value: string): string {
    return `${value}.${signature(this.#keys[0]!, name, value).toString("base64url")}`;
  }

  /** @returns the value, or `undefined` when it is not signed by one of the keys for that name */
  verify(name: string, signed: string | undefined): string | undefined {
    if (signed === undefined) return undefined;
    const dot = signed.length - SIGNATURE_LENGTH - 1;
    if (dot < 0 || signed[dot] !== ".") return undefined;
    const value = signed.slice(0, dot);
    const given = Buffer.from(signed.slice(dot + 1), "base64url");
    for (const key of this.#keys) {
      const expected = signature(key, name, value);
      if (given.byteLength === expected.byteLength && timingSafeEqual(given, expected)) return value;
    }
    return undefined;
  }
}

function signature(key: Uint8Array, name: string, value: string): Buffer {
  // A name holds no "=": the two cannot be split in another place.
  return createHmac("sha256", key).update(`${name}=${value}`).digest();
}
