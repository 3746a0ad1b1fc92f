/** The code of a page, as its reader would use it: files to write, commands to run, answers to expect. */
export interface PageCode {
  /** Files by name: blocks such as ` ```js [server.mjs] `. */
  readonly files: ReadonlyMap<string, string>;
  /** Shell blocks (` ```sh `), in order; `npm` and `npx` lines are left to the reader. */
  readonly preparation: readonly string[];
  /** Commands of ` ```console ` blocks, in order, each with the lines that must follow. */
  readonly commands: readonly { readonly command: string; readonly output: string }[];
}

export function codeOf(markdown: string): PageCode {
  const files = new Map<string, string>();
  const preparation: string[] = [];
  const commands: { command: string; output: string }[] = [];
  for (const [, language, name, code] of markdown.matchAll(
    /^```(\w+)(?: \[([^\]]+)\])?\n([\s\S]*?)^```$/gm,
  )) {
    if (name) files.set(name, code!);
    else if (language === "sh" && !/^(npm|npx) /m.test(code!)) preparation.push(code!);
    else if (language === "console") commands.push(...commandsOf(code!));
  }
  return { files, preparation, commands };
}

function commandsOf(block: string): { command: string; output: string }[] {
  return block
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command, ...output] = part.trimEnd().split("\n");
      return { command: command!, output: output.join("\n") };
    });
}
