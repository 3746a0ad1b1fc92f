import { type Directive, shownDirective } from "./directive.js";

/** What the conversion has to say: refusals stop it, notes go with its result. */
export class Report {
  readonly #refusals = new Set<string>();
  readonly #notes = new Set<string>();

  /** This directive cannot be converted. @param what the user can do */
  refuse(directive: Directive, what: string): void {
    this.#refusals.add(`${directive.file}:${directive.line}: ${shownDirective(directive)}: ${what}`);
  }

  /** The directive was converted or left out, and something about that should be known. */
  note(directive: Directive, what: string): void {
    this.#notes.add(`${directive.file}:${directive.line}: ${shownDirective(directive)}: ${what}`);
  }

  /** Of the whole. */
  remark(what: string): void {
    this.#notes.add(what);
  }

  get refusals(): readonly string[] {
    return [...this.#refusals];
  }

  get notes(): readonly string[] {
    return [...this.#notes];
  }
}
