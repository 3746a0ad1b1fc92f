/**
 * Which certificate answers to which name: `example.com` itself, or `*.example.com` for one label in front of it
 * (RFC 6125 §6.4.3). Values are numbers: the places of certificates in a list.
 */
export class ServerNames {
  readonly #exact = new Map<string, number>();
  readonly #below = new Map<string, number>();

  constructor(names: readonly string[]) {
    for (const [index, name] of names.entries()) {
      const key = name.toLowerCase();
      if (key.startsWith("*.")) this.#below.set(key.slice(2), index + 1);
      else this.#exact.set(key, index + 1);
    }
  }

  /** @returns the place of the name counted from 1, or 0 for the default */
  find(serverName: string): number {
    if (serverName === "") return 0;
    const name = serverName.endsWith(".") ? serverName.slice(0, -1) : serverName;
    const exact = this.#exact.get(name);
    if (exact !== undefined) return exact;
    const dot = name.indexOf(".");
    return dot < 0 ? 0 : (this.#below.get(name.slice(dot + 1)) ?? 0);
  }
}
