// Pages that are made of the tables of the READMEs. Tests of each package compare those tables with its sources,
// so these pages cannot drift either.

/** Sections of `markdown` whose heading matches `heading`, each with the deeper sections below it. */
export function sections(markdown, heading) {
  const found = [];
  let open;
  for (const line of outsideOfCode(markdown)) {
    const match = line.isCode ? null : /^(#+) (.*)$/.exec(line.text);
    if (match && open && match[1].length <= open.level) open = undefined;
    if (match && !open && heading.test(match[2])) {
      open = { title: match[2], level: match[1].length, lines: [] };
      found.push(open);
      continue;
    }
    open?.lines.push(line.text);
  }
  return found.map(({ title, level, lines }) => ({ title, level, text: lines.join("\n").trim() }));
}

function outsideOfCode(markdown) {
  let isCode = false;
  return markdown.split("\n").map((text) => {
    const fence = /^```/.test(text);
    if (fence) isCode = !isCode;
    return { text, isCode: isCode || fence };
  });
}

/** One page with the sections of all `readmes` (`[name, file, markdown]`) whose heading matches. */
export function collected(title, intro, heading, readmes) {
  const parts = readmes.flatMap(([name, file, markdown]) => {
    const inside = sections(markdown, heading).filter(({ text }) => text.includes("|---"));
    if (inside.length === 0) return [];
    const body = inside
      .map((section) => {
        // Below the package's own heading (level 2): a section is level 3, what is below it one deeper each.
        const deeper = section.text.replace(
          /^(#+) /gm,
          (_, marks) => `${"#".repeat(marks.length - section.level + 3)} `,
        );
        return `${inside.length > 1 ? `### ${section.title}\n\n` : ""}${deeper}`;
      })
      .join("\n\n");
    return [{ file, text: `## ${name}\n\n${body}\n` }];
  });
  return { head: `# ${title}\n\n${intro}\n`, parts };
}
