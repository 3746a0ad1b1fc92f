import { isToken } from "./tokens.js";

/** One element of `Sec-WebSocket-Extensions`; a parameter without a value has `undefined`. */
export interface ExtensionOffer {
  readonly name: string;
  readonly parameters: readonly (readonly [name: string, value: string | undefined])[];
}

/**
 * Reads `Sec-WebSocket-Extensions` (RFC 6455 §9.1). A quoted value is unquoted and must be a token then.
 *
 * @returns `undefined` when the value does not follow the grammar
 */
export function parseExtensions(value: string): ExtensionOffer[] | undefined {
  const reader = new Reader(value);
  const offers: ExtensionOffer[] = [];
  for (;;) {
    reader.skipBlanks();
    if (reader.take(",")) continue;
    if (reader.atEnd) return offers;
    const offer = readOffer(reader);
    if (offer === undefined) return undefined;
    offers.push(offer);
    if (!reader.atEnd && !reader.take(",")) return undefined;
  }
}

function readOffer(reader: Reader): ExtensionOffer | undefined {
  const name = reader.readToken();
  if (name === undefined) return undefined;
  const parameters: [string, string | undefined][] = [];
  reader.skipBlanks();
  while (reader.take(";")) {
    reader.skipBlanks();
    const parameter = reader.readToken();
    if (parameter === undefined) return undefined;
    reader.skipBlanks();
    let value: string | undefined;
    if (reader.take("=")) {
      reader.skipBlanks();
      value = reader.readToken() ?? reader.readQuotedToken();
      if (value === undefined) return undefined;
      reader.skipBlanks();
    }
    parameters.push([parameter, value]);
  }
  return { name, parameters };
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#at === this.#text.length;
  }

  skipBlanks(): void {
    while (this.#text[this.#at] === " " || this.#text[this.#at] === "\t") this.#at++;
  }

  take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  readToken(): string | undefined {
    const start = this.#at;
    while (this.#at < this.#text.length && isToken(this.#text[this.#at]!)) this.#at++;
    return this.#at === start ? undefined : this.#text.slice(start, this.#at);
  }

  readQuotedToken(): string | undefined {
    if (!this.take('"')) return undefined;
    let unquoted = "";
    while (!this.atEnd) {
      const character = this.#text[this.#at++]!;
      if (character === '"') return isToken(unquoted) ? unquoted : undefined;
      unquoted += character === "\\" ? (this.#text[this.#at++] ?? "") : character;
    }
    return undefined;
  }
}
