import { expect, test } from "vitest";
import { RouterError } from "./errors.js";
import { isParam, parsePattern, type Step } from "./pattern.js";

/** Steps as text: static bytes quoted, `<name>` with its constraint, `[…]` for a mixed rest, `*name`. */
function shown(steps: readonly Step[]): string {
  const one = (step: Step): string => {
    if (step.kind === "static") return JSON.stringify(String.fromCharCode(...step.bytes));
    if (step.kind === "wildcard") return `*${step.name}`;
    const pieces = step.kind === "param" ? [step.param] : step.pieces;
    const text = pieces.map((piece) =>
      isParam(piece)
        ? `<${piece.name}${piece.constraint?.text ?? ""}>`
        : JSON.stringify(String.fromCharCode(...piece)),
    );
    return step.kind === "param" ? text.join("") : `[${text.join("")}]`;
  };
  return steps.map(one).join(" ");
}

test.each([
  ["/", ['"/"']],
  ["/users", ['"/users"']],
  ["/users/", ['"/users/"']],
  ["//", ['"//"']],
  ["/users/:id", ['"/users/" <id>']],
  ["/users/:id(int)/x", ['"/users/" <id(int)> "/x"']],
  ["/:a{\\d{2}}/:b{[}]+}", ['"/" <a{\\d{2}}> "/" <b{[}]+}>']],
  ["/:a{\\}}", ['"/" <a{\\}}>']],
  ["/user-:id", ['"/user-" <id>']],
  ["/:name.:ext", ['"/" [<name>"."<ext>]']],
  ["/v:major.:minor-x/:$a_1", ['"/v" [<major>"."<minor>"-x"] "/" <$a_1>']],
  ["/files/*", ['"/files/" **']],
  ["/files/*path", ['"/files/" *path']],
  ["/:a?", ['"/" <a>', '"/"']],
  ["/x/:a?/y", ['"/x/" <a> "/y"', '"/x/y"']],
  ["/:a(int)?/:b?", ['"/" <a(int)> "/" <b>', '"/" <a(int)>', '"/" <b>', '"/"']],
  ["/caf%C3%A9", ['"/caf\xc3\xa9"']],
  ["/café", ['"/caf\xc3\xa9"']],
  ["/a%2Fb%25%3F%3a", ['"/a\xffb\xfe\xfd:"']],
])("%s", (pattern, variants) => {
  expect(parsePattern(pattern).map(({ steps }) => shown(steps))).toEqual(variants);
});

test.each([
  ["", 'must start with "/"'],
  ["users", 'must start with "/"'],
  ["*", 'must start with "/"'],
  ["/:", "not followed by a name"],
  ["/:1", "not followed by a name"],
  ["/:a:b", "need text between"],
  ["/:a/:a", 'the parameter "a" occurs twice'],
  ["/:a/*a", 'the parameter "a" occurs twice'],
  ["/:__proto__", '"__proto__"'],
  ["/*/a", "the last thing"],
  ["/a*", '"*" cannot stand here; write %2A'],
  ["/a?", '"?" cannot stand here; write %3F'],
  ["/a(b)", "write %28"],
  ["/{a}", "write %7B"],
  ["/x:a?", "whole segment can be optional"],
  ["/:a?x", "whole segment can be optional"],
  ["/:a.:b?", "whole segment can be optional"],
  ["/:a?/:b?/:c?/:d?/:e?/:f?", "more than 5 optional"],
  ["/:a{[a-z", '"}" is missing'],
  ["/:a(int", '")" is missing'],
  ["/100%", "two hexadecimal digits; write %25"],
  ["/%ff", "not UTF-8"],
  ["/%C3", "not UTF-8"],
  ["/\ud800", "surrogate"],
  [`/${"a".repeat(2048)}`, "longer than 2048"],
  [Array.from({ length: 33 }, (_, i) => `/:p${i}`).join(""), "more than 32 parameters"],
])("%s is refused", (pattern, why) => {
  expect(() => parsePattern(pattern)).toThrow(RouterError);
  expect(() => parsePattern(pattern)).toThrow(why);
  try {
    parsePattern(pattern);
  } catch (error) {
    expect((error as RouterError).code).toBe("TZ_ROUTER_PATTERN");
  }
});

test("an unknown type and a bad expression are named with the pattern", () => {
  const message = (pattern: string) => {
    try {
      parsePattern(pattern);
    } catch (error) {
      return `${(error as RouterError).code}: ${(error as RouterError).message}`;
    }
    return "none";
  };
  expect(message("/users/:id(integer)")).toBe(
    'TZ_ROUTER_PARAM_TYPE: Pattern "/users/:id(integer)": There is no parameter type "integer"; ' +
      "there are int, uint, number, bool, uuid, slug, and {regex}",
  );
  expect(message("/:id(toString)")).toMatch(/^TZ_ROUTER_PARAM_TYPE/);
  expect(message("/users/:id{(?=x)}")).toMatch(
    /^TZ_ROUTER_REGEX: Pattern "\/users\/:id\{\(\?=x\)\}": .*look-ahead/,
  );
});
