/** How many connections each address has open. */
export class AddressCounts {
  readonly #max: number;
  readonly #counts = new Map<string, number>();
  /** The address of each connection: one that is closed cannot be asked any more. */
  readonly #addresses = new Map<object, string>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Addresses that have any. */
  get size(): number {
    return this.#counts.size;
  }

  /** Counts one more. @returns `false` when the address has its share already: nothing is counted then */
  add(connection: object, address: string): boolean {
    const count = this.#counts.get(address) ?? 0;
    if (count >= this.#max) return false;
    this.#counts.set(address, count + 1);
    this.#addresses.set(connection, address);
    return true;
  }

  /** The connection is closed; one that was not counted changes nothing. */
  remove(connection: object): void {
    const address = this.#addresses.get(connection);
    if (address === undefined) return;
    this.#addresses.delete(connection);
    const count = this.#counts.get(address)!;
    if (count > 1) this.#counts.set(address, count - 1);
    else this.#counts.delete(address);
  }
}
