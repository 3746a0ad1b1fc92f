/** Which keys carry a tag. Entries without tags cost nothing here. */
export class TagIndex<K> {
  readonly #keys = new Map<string, Set<K>>();

  add(key: K, tags: readonly string[] | undefined): void {
    if (tags === undefined) return;
    for (const tag of tags) {
      const keys = this.#keys.get(tag);
      if (keys === undefined) this.#keys.set(tag, new Set([key]));
      else keys.add(key);
    }
  }

  remove(key: K, tags: readonly string[] | undefined): void {
    if (tags === undefined) return;
    for (const tag of tags) {
      const keys = this.#keys.get(tag);
      if (keys?.delete(key) && keys.size === 0) this.#keys.delete(tag);
    }
  }

  /** A copy: the caller is about to remove them. */
  keysOf(tag: string): K[] {
    return [...(this.#keys.get(tag) ?? [])];
  }

  clear(): void {
    this.#keys.clear();
  }

  /** How many tags there are. */
  get size(): number {
    return this.#keys.size;
  }
}
