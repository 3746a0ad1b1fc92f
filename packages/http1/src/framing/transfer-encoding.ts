import { ERROR } from "../errors.js";
import { BYTE_CLASS, TOKEN } from "../tables/bytes.js";
import { keyword, matchesAt, TokenList } from "./list.js";

const CHUNKED = keyword("chunked");
/** Registered codings: a body that ends with one of these has no length (RFC 9112 §6.3, rule 4). */
const REGISTERED = ["gzip", "x-gzip", "compress", "x-compress", "deflate", "identity"].map(keyword);
const list = new TokenList();

/** What the codings of all Transfer-Encoding lines come to; feed every line in order, then ask {@link result}. */
export class TransferCodings {
  #chunked = 0;
  #others = 0;
  #unregistered = 0;
  #last = false;
  #malformed = false;

  reset(): this {
    this.#chunked = this.#others = this.#unregistered = 0;
    this.#last = this.#malformed = false;
    return this;
  }

  /** One field line's value. */
  add(bytes: Uint8Array, start: number, end: number): void {
    list.reset(bytes, start, end);
    while (list.next()) {
      this.#last = matchesAt(bytes, list.start, list.end, CHUNKED);
      if (this.#last) this.#chunked++;
      else this.#other(bytes, list.start, list.end);
    }
  }

  #other(bytes: Uint8Array, start: number, end: number): void {
    this.#others++;
    for (let i = start; i < end; i++) {
      // Parameters, too: none is defined for any coding, and `chunked;a=b` must not pass for another name.
      if ((BYTE_CLASS[bytes[i]!]! & TOKEN) === 0) this.#malformed = true;
    }
    if (!REGISTERED.some((coding) => matchesAt(bytes, start, end, coding))) this.#unregistered++;
  }

  /** 0 when it is exactly `chunked`, otherwise a negated error id. */
  result(): number {
    if (this.#malformed || this.#chunked > 1) return -ERROR.badTransferEncoding;
    if (this.#chunked === 1) {
      if (!this.#last) return -ERROR.chunkedNotFinal;
      return this.#others === 0 ? 0 : -ERROR.unknownTransferCoding;
    }
    if (this.#unregistered > 0) return -ERROR.unknownTransferCoding;
    return this.#others > 0 ? -ERROR.chunkedNotFinal : -ERROR.badTransferEncoding;
  }
}
