import { UsageError } from "../usage-error.js";
import type { Directive } from "./directive.js";
import { type Token, tokenize } from "./tokenize.js";

/** Blocks in blocks: nginx has a handful, a file that has more is not a configuration. */
const DEPTH_MAX = 32;

/**
 * The directives of a file, `include` among them unresolved.
 * @throws {UsageError} naming file and line where the grammar breaks
 */
export function parseNginx(text: string, file: string): Directive[] {
  const tokens = tokenize(text.replace(/^\uFEFF/, ""), file);
  let next = 0;

  const refuse = (token: Token | undefined, why: string): UsageError =>
    new UsageError(`${file}:${token?.line ?? tokens.at(-1)?.line ?? 1}: ${why}`);

  const block = (depth: number): Directive[] => {
    if (depth > DEPTH_MAX) throw refuse(tokens[next], `blocks are more than ${DEPTH_MAX} deep`);
    const directives: Directive[] = [];
    for (;;) {
      const token = tokens[next];
      if (token === undefined) {
        if (depth > 0) throw refuse(token, "a { is not closed");
        return directives;
      }
      if (token.kind === "}") {
        if (depth === 0) throw refuse(token, 'unexpected "}"');
        return directives;
      }
      directives.push(directive(depth));
    }
  };

  const directive = (depth: number): Directive => {
    const [first, ...args] = words();
    const end = tokens[next++];
    if (first === undefined) throw refuse(end, `unexpected "${end?.text}"`);
    const made = { name: first.text, args: args.map(({ text: word }) => word), file, line: first.line };
    if (end?.kind === ";") return { ...made, block: undefined };
    if (end?.kind !== "{") throw refuse(first, `"${first.text}" does not end with ";" or a block`);
    const inner = block(depth + 1);
    next++; // its "}"
    return { ...made, block: inner };
  };

  const words = (): Token[] => {
    const found: Token[] = [];
    for (let token = tokens[next]; token?.kind === "word"; token = tokens[++next]) found.push(token);
    return found;
  };

  return block(0);
}
