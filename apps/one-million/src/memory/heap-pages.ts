import { type Mapped, type Pages, UNIT_BYTES } from "./pages.js";

/** Units in the heap of one process: where there is no memory file, and for tests. */
export class HeapPages implements Pages {
  readonly header = new Int32Array(UNIT_BYTES / 4);
  readonly #buffers = new Map<number, ArrayBuffer>();

  map(unit: number, units: number): Mapped {
    let buffer = this.#buffers.get(unit);
    if (buffer === undefined) {
      buffer = new ArrayBuffer(units * UNIT_BYTES);
      this.#buffers.set(unit, buffer);
    }
    return { buffer, release() {} };
  }

  discard(unit: number): void {
    this.#buffers.delete(unit);
  }

  close(): void {
    this.#buffers.clear();
  }

  /** How much is held. */
  get byteLength(): number {
    let sum = 0;
    for (const { byteLength } of this.#buffers.values()) sum += byteLength;
    return sum;
  }
}
