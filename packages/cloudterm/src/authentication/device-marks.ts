import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/**
 * Marks browsers that have logged into an account, so that an attack on the account does not keep its owner out. A mark
 * opens nothing: it only moves the browser's failures into a bucket of their own.
 */
export class DeviceMarks {
  readonly #key: Uint8Array;

  /** @param key 32 secret bytes; all gateways have the same */
  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** A cookie's value for a browser that has just logged in. */
  issue(user: string): string {
    const id = randomBytes(12).toString("base64url");
    return `${id}.${this.#sign(user, id).toString("base64url")}`;
  }

  /** The browser's id if the mark is one of this user's. */
  read(user: string, mark: string | undefined): string | undefined {
    const [, id, signature] = /^([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{43})$/.exec(mark ?? "") ?? [];
    if (id === undefined || signature === undefined) return undefined;
    const given = Buffer.from(signature, "base64url");
    const right = this.#sign(user, id);
    return given.length === right.length && timingSafeEqual(given, right) ? id : undefined;
  }

  #sign(user: string, id: string): Buffer {
    return createHmac("sha256", this.#key).update(`device\0${user}\0${id}`).digest();
  }
}
