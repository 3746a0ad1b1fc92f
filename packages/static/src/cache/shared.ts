/** Something that several hold and the last gives up. */
export abstract class Shared {
  #references = 1;

  retain(): void {
    this.#references++;
  }

  release(): void {
    if (--this.#references === 0) this.dispose();
  }

  protected abstract dispose(): void;
}
