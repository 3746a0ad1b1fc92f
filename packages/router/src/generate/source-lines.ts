/** Lines of generated code, with how deep they are nested only for whoever reads them. */
export class SourceLines {
  readonly #lines: string[] = [];
  #depth = 0;

  add(line: string): void {
    this.#lines.push("  ".repeat(this.#depth) + line);
  }

  /** `head {`, what `body` adds, `}`. */
  block(head: string, body: () => void): void {
    this.add(head === "" ? "{" : `${head} {`);
    this.#depth++;
    body();
    this.#depth--;
    this.add("}");
  }

  toString(): string {
    return this.#lines.join("\n");
  }
}
