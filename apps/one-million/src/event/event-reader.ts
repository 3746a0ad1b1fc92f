/**
 * Reads `{"userId": string, "value": number}` and nothing else: RFC 8259 to the letter, in one pass over the bytes,
 * without an object. What it refuses it names; what it takes, `JSON.parse` takes with the same meaning (checked by
 * event-reader.fuzz.test.ts).
 *
 * Stricter than `JSON.parse` where a value would be lost in silence: no other or repeated key, no lone surrogate (it has
 * no UTF-8, so two users would become one), no number that becomes infinite or, not being zero, becomes 0.
 */
import { MAX_KEY_BYTES } from "../totals/key-records.js";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const MINUS = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const LOWER_E = 0x65;
const LOWER_U = 0x75;

/** `\b` is what is meant by `b`, and so on. */
const ESCAPES = new Map(
  Object.entries({ '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" }).map(
    ([name, meaning]) => [name.charCodeAt(0), meaning.charCodeAt(0)],
  ),
);

const USER_ID = 1;
const VALUE = 2;
/** Integers of so many digits are exact as they are read. */
const EXACT_DIGITS = 15;

/** One reader reads one event at a time; its fields hold until the next. */
export class EventReader {
  /** The user's name is `bytes[start, end)`, UTF-8: a part of the input, or the reader's own memory. */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  value = 0;
  /** Why the event is refused. */
  reason = "";
  readonly #unescaped = new Uint8Array(MAX_KEY_BYTES);
  #input: Uint8Array = this.bytes;
  #at = 0;
  // The string that was read last.
  #text: Uint8Array = this.bytes;
  #textStart = 0;
  #textEnd = 0;

  /**
   * Reads an event from all of `input`.
   * @returns `false` when it is none; {@link reason} says why
   */
  read(input: Uint8Array): boolean {
    this.#input = input;
    this.#at = 0;
    this.reason = "";
    this.#skipSpace();
    if (this.#peek() !== OPEN) return this.#refuse("is not a JSON object");
    this.#at++;
    const seen = this.#readMembers();
    if (seen < 0) return false;
    this.#skipSpace();
    if (this.#at < input.length) return this.#refuse("goes on behind the object");
    if (seen === (USER_ID | VALUE)) return true;
    return this.#refuse(`has no ${(seen & USER_ID) === 0 ? "userId" : "value"}`);
  }

  /** @returns the keys that were there, or -1 */
  #readMembers(): number {
    let seen = 0;
    this.#skipSpace();
    if (this.#peek() === CLOSE) {
      this.#at++;
      return seen;
    }
    for (;;) {
      const key = this.#readKey();
      if (key < 0) return -1;
      if ((seen & key) !== 0) {
        this.#refuse(`has ${key === USER_ID ? "userId" : "value"} twice`);
        return -1;
      }
      seen |= key;
      if (!(key === USER_ID ? this.#readUserId() : this.#readValue())) return -1;
      this.#skipSpace();
      const next = this.#peek();
      if (next !== COMMA && next !== CLOSE) {
        this.#refuse("lacks a comma or the closing brace");
        return -1;
      }
      this.#at++;
      if (next === CLOSE) return seen;
      this.#skipSpace();
    }
  }

  /** A key and its colon. @returns which key, or -1 */
  #readKey(): number {
    if (this.#peek() !== QUOTE) this.#refuse("lacks a key in quotes");
    else if (this.#readString("a key")) {
      const key = this.#textIs("userId") ? USER_ID : this.#textIs("value") ? VALUE : 0;
      this.#skipSpace();
      if (key === 0) this.#refuse("has a key that is neither userId nor value");
      else if (this.#peek() !== COLON) this.#refuse("lacks a colon behind a key");
      else {
        this.#at++;
        this.#skipSpace();
        return key;
      }
    }
    return -1;
  }

  #textIs(name: string): boolean {
    if (this.#textEnd - this.#textStart !== name.length) return false;
    for (let i = 0; i < name.length; i++)
      if (this.#text[this.#textStart + i] !== name.charCodeAt(i)) return false;
    return true;
  }

  #readUserId(): boolean {
    if (this.#peek() !== QUOTE) return this.#refuse("has a userId that is not a string");
    if (!this.#readString("userId")) return false;
    if (this.#text === this.#unescaped) this.#keepUnescaped();
    this.bytes = this.#text;
    this.start = this.#textStart;
    this.end = this.#textEnd;
    return true;
  }

  /** A key behind the userId may have escapes too, and would write over it. */
  #keepUnescaped(): void {
    this.#text = this.#unescaped.slice(0, this.#textEnd);
  }

  /** Reads a string at its opening quote: a part of the input, or a copy with the escapes resolved. */
  #readString(what: string): boolean {
    const input = this.#input;
    const start = ++this.#at;
    for (let at = start; at < input.length; ) {
      const byte = input[at]!;
      if (byte === QUOTE) {
        this.#at = at + 1;
        return this.#setText(input, start, at, what);
      }
      if (byte === BACKSLASH) return this.#readEscapedString(start, at, what);
      if (byte < 0x20) return this.#refuse(`has a control character in ${what}`);
      if (byte < 0x80) at++;
      else {
        const length = utf8Length(input, at);
        if (length === 0) return this.#refuse(`has ill-formed UTF-8 in ${what}`);
        at += length;
      }
    }
    return this.#refuse(`ends inside of ${what}`);
  }

  #setText(bytes: Uint8Array, start: number, end: number, what: string): boolean {
    if (end - start > MAX_KEY_BYTES) return this.#refuse(`has more than ${MAX_KEY_BYTES} bytes in ${what}`);
    this.#text = bytes;
    this.#textStart = start;
    this.#textEnd = end;
    return true;
  }

  /** @param at the first backslash */
  #readEscapedString(start: number, at: number, what: string): boolean {
    const input = this.#input;
    const out = this.#unescaped;
    let length = at - start;
    if (length <= MAX_KEY_BYTES) out.set(input.subarray(start, at));
    while (at < input.length) {
      const byte = input[at]!;
      if (byte === QUOTE) {
        this.#at = at + 1;
        return this.#setText(out, 0, length, what);
      }
      if (byte < 0x20) return this.#refuse(`has a control character in ${what}`);
      if (byte === BACKSLASH) {
        const code = this.#readEscape(at, what);
        if (code < 0) return false;
        at = this.#at;
        length = appendUtf8(out, length, code);
      } else {
        const bytes = byte < 0x80 ? 1 : utf8Length(input, at);
        if (bytes === 0) return this.#refuse(`has ill-formed UTF-8 in ${what}`);
        // Beyond its end the copy takes nothing; the length refuses the string when it is over.
        for (let i = 0; i < bytes; i++) out[length++] = input[at++]!;
      }
    }
    return this.#refuse(`ends inside of ${what}`);
  }

  /** @returns the code point that is meant, or -1 */
  #readEscape(at: number, what: string): number {
    const input = this.#input;
    const simple = ESCAPES.get(input[at + 1] ?? 0);
    if (simple !== undefined) {
      this.#at = at + 2;
      return simple;
    }
    const first = input[at + 1] === LOWER_U ? hexadecimal(input, at + 2) : -1;
    if (first < 0) {
      this.#refuse(`has a malformed escape in ${what}`);
      return -1;
    }
    this.#at = at + 6;
    if (first < 0xd800 || first > 0xdfff) return first;
    const isPair = first < 0xdc00 && input[at + 6] === BACKSLASH && input[at + 7] === LOWER_U;
    const second = isPair ? hexadecimal(input, at + 8) : -1;
    if (second < 0xdc00 || second > 0xdfff) {
      this.#refuse(`has a lone surrogate in ${what}`);
      return -1;
    }
    this.#at = at + 12;
    return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
  }

  /** RFC 8259 section 6. */
  #readValue(): boolean {
    const input = this.#input;
    const start = this.#at;
    let at = start;
    if (input[at] === MINUS) at++;
    const integer = at;
    let whole = 0;
    for (; isDigit(input[at]); at++) whole = whole * 10 + input[at]! - ZERO;
    if (at === integer) return this.#refuse("has a value that is not a number");
    if (input[integer] === ZERO && at > integer + 1) return this.#refuse("has a value with a leading zero");
    const isInteger = input[at] !== DOT && (input[at]! | 0x20) !== LOWER_E;
    if (isInteger && at - integer <= EXACT_DIGITS) {
      this.#at = at;
      this.value = integer > start ? -whole : whole;
      return true;
    }
    if (input[at] === DOT) {
      const fraction = ++at;
      while (isDigit(input[at])) at++;
      if (at === fraction) return this.#refuse("has a value without digits behind its point");
    }
    const mantissaEnd = at;
    if ((input[at]! | 0x20) === LOWER_E) {
      at++;
      if (input[at] === PLUS || input[at] === MINUS) at++;
      const exponent = at;
      while (isDigit(input[at])) at++;
      if (at === exponent) return this.#refuse("has a value without digits in its exponent");
    }
    this.#at = at;
    return this.#takeNumber(start, at, mantissaEnd);
  }

  #takeNumber(start: number, end: number, mantissaEnd: number): boolean {
    const input = this.#input;
    let text = "";
    for (let at = start; at < end; at++) text += String.fromCharCode(input[at]!);
    this.value = Number(text);
    if (!Number.isFinite(this.value)) return this.#refuse("has a value too large for a double");
    if (this.value === 0) {
      for (let at = start; at < mantissaEnd; at++) {
        if (input[at]! > ZERO && input[at]! <= NINE)
          return this.#refuse("has a value too small for a double");
      }
    }
    return true;
  }

  #peek(): number {
    return this.#at < this.#input.length ? this.#input[this.#at]! : -1;
  }

  #skipSpace(): void {
    const input = this.#input;
    for (; this.#at < input.length; this.#at++) {
      const byte = input[this.#at]!;
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
    }
  }

  #refuse(reason: string): false {
    this.reason = `the body ${reason}`;
    return false;
  }
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= ZERO && byte <= NINE;

/** @returns the number of four hexadecimal digits, or -1 */
function hexadecimal(input: Uint8Array, at: number): number {
  let code = 0;
  for (let i = at; i < at + 4; i++) {
    const byte = input[i] ?? 0;
    const letter = (byte | 0x20) - 0x61;
    if (byte >= ZERO && byte <= NINE) code = code * 16 + byte - ZERO;
    else if (letter >= 0 && letter < 6) code = code * 16 + letter + 10;
    else return -1;
  }
  return code;
}

/** Writes a code point; what lies behind the end of `out` is dropped. @returns where it ends */
function appendUtf8(out: Uint8Array, at: number, code: number): number {
  if (code < 0x80) {
    out[at++] = code;
  } else if (code < 0x800) {
    out[at++] = 0xc0 | (code >> 6);
    out[at++] = 0x80 | (code & 0x3f);
  } else if (code < 0x10000) {
    out[at++] = 0xe0 | (code >> 12);
    out[at++] = 0x80 | ((code >> 6) & 0x3f);
    out[at++] = 0x80 | (code & 0x3f);
  } else {
    out[at++] = 0xf0 | (code >> 18);
    out[at++] = 0x80 | ((code >> 12) & 0x3f);
    out[at++] = 0x80 | ((code >> 6) & 0x3f);
    out[at++] = 0x80 | (code & 0x3f);
  }
  return at;
}

/** Length of the well-formed sequence (RFC 3629) of two to four bytes at `at`; 0 when there is none. */
function utf8Length(input: Uint8Array, at: number): number {
  const first = input[at]!;
  const second = input[at + 1] ?? 0;
  if (first >= 0xc2 && first <= 0xdf) return isTail(second) ? 2 : 0;
  const third = input[at + 2] ?? 0;
  if (first >= 0xe0 && first <= 0xef) {
    const low = first === 0xe0 ? 0xa0 : 0x80;
    const high = first === 0xed ? 0x9f : 0xbf;
    return second >= low && second <= high && isTail(third) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const low = first === 0xf0 ? 0x90 : 0x80;
    const high = first === 0xf4 ? 0x8f : 0xbf;
    return second >= low && second <= high && isTail(third) && isTail(input[at + 3] ?? 0) ? 4 : 0;
  }
  return 0;
}

const isTail = (byte: number): boolean => (byte & 0xc0) === 0x80;
