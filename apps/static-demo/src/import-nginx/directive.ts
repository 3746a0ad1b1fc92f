/** One directive of an nginx configuration: `name arg arg;` or `name arg { … }`. */
export interface Directive {
  readonly name: string;
  readonly args: readonly string[];
  /** What stands in its braces; `undefined` when it ends with a semicolon. */
  readonly block: readonly Directive[] | undefined;
  readonly file: string;
  readonly line: number;
}

/** As in the file, for messages. */
export function shownDirective({ name, args, block }: Directive): string {
  const text = [name, ...args].join(" ");
  const short = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return block === undefined ? short : `${short} { … }`;
}
