import type { OutgoingHttpHeaders } from "node:http2";
import type { ResponseHead } from "@tz/http1";

/** Fields that concern one connection of HTTP/1.1 (RFC 9113 §8.2.2). */
const CONNECTION_FIELDS = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/** The heads of plans as `node:http2` takes them. A head that is sent again is not made again. */
export class AnswerFields {
  readonly #made = new WeakMap<ResponseHead, OutgoingHttpHeaders>();
  readonly hsts: string | undefined;

  /** @param hsts the value of `Strict-Transport-Security` in every answer */
  constructor(hsts: string | undefined) {
    this.hsts = hsts;
  }

  of(head: ResponseHead): OutgoingHttpHeaders {
    let fields = this.#made.get(head);
    if (fields === undefined) {
      fields = this.#make(head);
      this.#made.set(head, fields);
    }
    return fields;
  }

  #make({ status, fields }: ResponseHead): OutgoingHttpHeaders {
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
