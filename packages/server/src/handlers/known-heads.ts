import { ResponseHead } from "@tz/http1";

/** Answers up to this length share heads; each head is about 300 bytes. */
const MAX_LENGTH = 2048;

/**
 * Heads that say nothing but a type and a length, status 200: made once for each length and sent many times. A head
 * is checked, joined and encoded; that is most of what a small answer costs.
 */
export class KnownHeads {
  readonly #type: string;
  readonly #heads: (ResponseHead | undefined)[] = new Array(MAX_LENGTH).fill(undefined);

  constructor(type: string) {
    this.#type = type;
  }

  of(length: number): ResponseHead {
    if (length >= MAX_LENGTH) return this.#make(length);
    const known = this.#heads[length];
    if (known !== undefined) return known;
    const head = this.#make(length);
    this.#heads[length] = head;
    return head;
  }

  #make(length: number): ResponseHead {
    return new ResponseHead(200, ["Content-Type", this.#type, "Content-Length", String(length)]);
  }
}
