/**
 * The streams that were closed last, and by whom. What still comes for one that the server has reset is not the
 * client's mistake (RFC 9113 §5.1); for one that the client has ended it is.
 */
export class ClosedStreams {
  readonly #ids: Uint32Array;
  readonly #byServer: Uint8Array;
  #next = 0;
  /** There were more than are remembered: one that is not among them may have been any. */
  hasForgotten = false;

  /** @param count how many are remembered: what a client may have on its way when its streams are reset */
  constructor(count: number) {
    this.#ids = new Uint32Array(count);
    this.#byServer = new Uint8Array(count);
  }

  add(id: number, byServer: boolean): void {
    this.hasForgotten ||= this.#ids[this.#next] !== 0;
    this.#ids[this.#next] = id;
    this.#byServer[this.#next] = byServer ? 1 : 0;
    this.#next = this.#next + 1 === this.#ids.length ? 0 : this.#next + 1;
  }

  /** @returns whether the server has reset it; `undefined` when it is not remembered */
  wasReset(id: number): boolean | undefined {
    const place = this.#ids.lastIndexOf(id);
    return place < 0 ? undefined : this.#byServer[place] === 1;
  }
}
