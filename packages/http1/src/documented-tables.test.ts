import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const examples = [...readme.matchAll(/```js\n(.*?)```/gs)].map((match) => match[1]!);
const printed = [
  "GET /a?b=c text/html true",
  "[ 'x-sum', '1' ]",
  "Date: Mon, 01 Jan 2024 00:00:00 GMT",
  "1 u=1, i;x=2",
];

test.each(printed.map((text, i) => [i, text] as const))("example %i of the README runs", (i, text) => {
  expect(examples).toHaveLength(printed.length);
  const output = execFileSync(
    process.execPath,
    ["--import", "tsx", "--conditions=@tz/source", "--input-type=module", "--eval", examples[i]!],
    { cwd: fileURLToPath(new URL("..", import.meta.url)), encoding: "utf8" },
  );
  expect(output).toContain(text);
});
