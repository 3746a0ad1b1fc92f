import type { OutgoingHttpHeaders } from "node:http2";
import type { ResponseHead } from "@tz/http1";

/** Fields that concern one connection of HTTP/1.1 (RFC 9113 §8.2.2); clients take `TE` for a mistake as well. */
const CONNECTION_FIELDS = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
]);

/**
 * The heads of plans as `node:http2` takes them. A head that is sent again is not made again: known by the list of its
 * fields, since a head may be used again for another answer.
 */
export class AnswerFields {
  readonly #made = new WeakMap<readonly string[], OutgoingHttpHeaders>();
  readonly hsts: string | undefined;

  /** @param hsts the value of `Strict-Transport-Security` in every answer */
  constructor(hsts: string | undefined) {
    this.hsts = hsts;
  }

  of({ status, fields }: ResponseHead): OutgoingHttpHeaders {
    let made = this.#made.get(fields);
    if (made === undefined || made[":status"] !== status) {
      made = this.#make(status, fields);
      this.#made.set(fields, made);
    }
    return made;
  }

  #make(status: number, fields: readonly string[]): OutgoingHttpHeaders {
    const made: OutgoingHttpHeaders = { ":status": status };
    if (this.hsts !== undefined) made["strict-transport-security"] = this.hsts;
    for (let i = 0; i + 1 < fields.length; i += 2) {
      const name = fields[i]!.toLowerCase();
      if (CONNECTION_FIELDS.has(name)) continue;
      const value = fields[i + 1]!;
      const before = made[name];
      if (before === undefined) made[name] = value;
      else made[name] = Array.isArray(before) ? [...before, value] : [String(before), value];
    }
    return made;
  }
}
