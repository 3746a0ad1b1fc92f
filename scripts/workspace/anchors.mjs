// Where `#anchors` of Markdown lead: the headings of a page, named as GitHub names them. The site does the same.

/** What GitHub makes of a heading: lower case, no punctuation, a hyphen for each space. */
export function slug(heading) {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, "")
    .replaceAll(" ", "-");
}

/** The anchors of a Markdown page. A heading that is there already gets a number. */
export function anchorsOf(markdown) {
  const anchors = new Set();
  const headings = markdown.replace(/^(`{3,})[\s\S]*?^\1`*$/gm, "").matchAll(/^#{1,6} +(.*?) *#*$/gm);
  for (const [, heading] of headings) {
    const name = slug(textOf(heading));
    let unique = name;
    for (let number = 1; anchors.has(unique); number++) unique = `${name}-${number}`;
    anchors.add(unique);
  }
  for (const [, id] of markdown.matchAll(/<\w+ (?:id|name)="([^"]+)"/g)) anchors.add(id);
  return anchors;
}

/** A heading without its marks: code, links, escapes, emphasis. */
function textOf(heading) {
  return heading
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/(`+)(.*?)\1/g, "$2")
    .replace(/\*+/g, "")
    .replace(/\\([^\w\s])/g, "$1");
}
