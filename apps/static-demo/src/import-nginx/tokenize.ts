/**
 * nginx's grammar, as `ngx_conf_read_token` reads it: words apart by white space, `;`, `{` and `}`; quotes around
 * whole words; a backslash before any character; comments from a `#` that begins a word. Inside a word `${name}`
 * is a variable and `{` opens nothing.
 */
import { UsageError } from "../usage-error.js";

export interface Token {
  readonly kind: "word" | ";" | "{" | "}";
  /** Of a word: without its quotes, with escapes resolved as nginx does. */
  readonly text: string;
  readonly line: number;
}

const WHITE = /[ \t\r\n]/;
const ENDS_WORD = /[ \t\r\n;{]/;
/** After a backslash these stand for others or for themselves; before anything else the backslash stays. */
const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  '"': '"',
  "'": "'",
  "\\": "\\",
};

/** @throws {UsageError} for an open quote, with file and line */
export function tokenize(text: string, file: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  let i = 0;
  const take = (): string => {
    const character = text[i++]!;
    if (character === "\n") line++;
    return character;
  };
  const escaped = (): string => {
    const next = i < text.length ? take() : "";
    return ESCAPES[next] ?? `\\${next}`;
  };

  const quoted = (quote: string): string => {
    const start = line;
    let word = "";
    while (i < text.length) {
      const character = take();
      if (character === quote) return word;
      word += character === "\\" ? escaped() : character;
    }
    throw new UsageError(`${file}:${start}: a ${quote} is not closed`);
  };

  const bare = (): string => {
    let word = "";
    while (i < text.length && !ENDS_WORD.test(text[i]!)) {
      const character = take();
      if (character === "\\") word += escaped();
      else if (character === "$" && text[i] === "{") word += variable();
      else word += character;
    }
    return word;
  };

  const variable = (): string => {
    const end = text.indexOf("}", i);
    if (end < 0) throw new UsageError(`${file}:${line}: a \${ is not closed`);
    const name = text.slice(i, end + 1);
    i = end + 1;
    return `$${name}`;
  };

  while (i < text.length) {
    const character = text[i]!;
    if (WHITE.test(character)) take();
    else if (character === "#") while (i < text.length && text[i] !== "\n") i++;
    else if (character === ";" || character === "{" || character === "}") {
      tokens.push({ kind: character, text: character, line });
      i++;
    } else {
      const start = line;
      const isQuoted = character === '"' || character === "'";
      if (isQuoted) i++;
      tokens.push({ kind: "word", text: isQuoted ? quoted(character) : bare(), line: start });
    }
  }
  return tokens;
}
