import { StructuredFieldError } from "./error.js";

const KEY = /[a-z*][a-z0-9_\-.*]*/y;

/** A position in a text, moved by what is taken. */
export class Reader {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  get atEnd(): boolean {
    return this.at >= this.text.length;
  }

  /** The next character; empty at the end. */
  get peek(): string {
    return this.text.charAt(this.at);
  }

  /** Takes the character if it is the next. */
  take(character: string): boolean {
    if (this.text.charAt(this.at) !== character) return false;
    this.at++;
    return true;
  }

  /** Takes what a sticky pattern matches here. */
  match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  key(): string {
    const key = this.match(KEY);
    if (key === undefined) throw this.error("A key is missing");
    return key;
  }

  skipSpaces(): void {
    while (this.peek === " ") this.at++;
  }

  skipWhiteSpace(): void {
    while (this.peek === " " || this.peek === "\t") this.at++;
  }

  error(message: string): StructuredFieldError {
    return new StructuredFieldError(message, this.at);
  }
}
