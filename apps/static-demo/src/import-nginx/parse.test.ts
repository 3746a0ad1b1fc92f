import { describe, expect, test } from "vitest";
import { UsageError } from "../usage-error.js";
import type { Directive } from "./directive.js";
import { parseNginx } from "./parse.js";

type Plain = [string, ...(string | Plain[])[]];

function plain({ name, args, block }: Directive): Plain {
  return [name, ...args, ...(block === undefined ? [] : [block.map(plain)])];
}

const parsed = (text: string): Plain[] => parseNginx(text, "site.conf").map(plain);

describe("the grammar, as nginx reads it", () => {
  test.each<[string, string, Plain[]]>([
    [
      "words and blocks",
      "server { listen 80; root /a; }",
      [
        [
          "server",
          [
            ["listen", "80"],
            ["root", "/a"],
          ],
        ],
      ],
    ],
    ["nothing around braces", "server{listen 80;}", [["server", [["listen", "80"]]]]],
    ["comments begin words only", "# a\nroot /a#b; # c; {", [["root", "/a#b"]]],
    [
      "quotes keep spaces, semicolons and braces",
      `add_header A "x; y{z}" always;`,
      [["add_header", "A", "x; y{z}", "always"]],
    ],
    ["single quotes, with the others in them", `a 'say "hi"';`, [["a", 'say "hi"']]],
    ["escapes in quotes", String.raw`a "x\"y\\z\tt";`, [["a", 'x"y\\z\tt']]],
    [
      "a backslash before others stays",
      String.raw`location ~* \.(css|js)$ { }`,
      [["location", "~*", String.raw`\.(css|js)$`, []]],
    ],
    ["a backslash keeps a space in the word", String.raw`root /a\ b;`, [["root", String.raw`/a\ b`]]],
    ["a variable in braces opens no block", "a $" + "{b}c d;", [["a", "$" + "{b}c", "d"]]],
    ["braces in a quoted expression", `location ~ "^/[a-f]{8}$" { }`, [["location", "~", "^/[a-f]{8}$", []]]],
    [
      "the other line ends, and a byte order mark",
      "\uFEFFa b;\r\nc d;\r\n",
      [
        ["a", "b"],
        ["c", "d"],
      ],
    ],
    ["directives over several lines", "a\n  b\n  c\n;", [["a", "b", "c"]]],
    ["nothing", " \n# only\n", []],
  ])("%s", (_name, text, expected) => {
    expect(parsed(text)).toEqual(expected);
  });

  test("lines are those where a directive begins", () => {
    const [first, second] = parseNginx('a "1\n2";\n\nb {\n c;\n}', "site.conf");
    expect([first!.line, second!.line, second!.block![0]!.line]).toEqual([1, 4, 5]);
  });
});

describe("what breaks it is refused with its line", () => {
  test.each([
    ["server {\n listen 80;\n", /^site\.conf:2: a \{ is not closed$/],
    ["a;\n}\n", /^site\.conf:2: unexpected "}"$/],
    ["a b\n", /^site\.conf:1: "a" does not end with ";"/],
    ["a { b }", /^site\.conf:1: "b" does not end with ";"/],
    [";", /^site\.conf:1: unexpected ";"$/],
    ['a;\nb "c;\n', /^site\.conf:2: a " is not closed$/],
    ["a $" + "{b;", /^site\.conf:1: a \$\{ is not closed$/],
    ["a {".repeat(40), /^site\.conf:1: blocks are more than 32 deep$/],
  ])("%j", (text, message) => {
    const read = () => parseNginx(text, "site.conf");
    expect(read).toThrow(UsageError);
    expect(read).toThrow(message);
  });
});
