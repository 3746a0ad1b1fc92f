import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/**
 * Marks browsers that have logged into an account, so that an attack on the account does not keep its owner out. A mark
 * opens nothing: it only moves the browser's failures into a bucket of their own.
 */
export class DeviceMarks {
  readonly #keys: () => readonly Uint8Array[];

  /** @param key 32 secret bytes; all gateways have the same. Or what gives them, and behind them those of before */
  constructor(key: Uint8Array | (() => readonly Uint8Array[])) {
    this.#keys = typeof key === "function" ? key : () => [key];
  }

  /** A cookie's value for a browser that has just logged in. */
  issue(user: string): string {
    const id = randomBytes(12).toString("base64url");
    return `${id}.${sign(this.#keys()[0]!, user, id).toString("base64url")}`;
  }

  /** The browser's id if the mark is one of this user's. */
  read(user: string, mark: string | undefined): string | undefined {
    const [, id, signature] = /^([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{43})$/.exec(mark ?? "") ?? [];
    if (id === undefined || signature === undefined) return undefined;
    // 43 letters are 32 bytes.
    const given = Buffer.from(signature, "base64url");
    const isRight = this.#keys().some((key) => timingSafeEqual(given, sign(key, user, id)));
    return isRight ? id : undefined;
  }
}

function sign(key: Uint8Array, user: string, id: string): Buffer {
  return createHmac("sha256", key).update(`device\0${user}\0${id}`).digest();
}
