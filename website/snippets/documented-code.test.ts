import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Block, complaints } from "./compiled.fixture.js";
import { root } from "./example-project.fixture.js";

/** Pages whose fragments are about another framework's `app`. */
const expressPages = ["docs/migrate/express.md", "docs/migrate/sirv.md", "packages/static/README.md"];
const fastifyPages = ["docs/migrate/fastify.md"];

const blocks = documents().flatMap(blocksOf);

test("every example of the READMEs and the documentation is one that the types of the packages allow", () => {
  expect(blocks.length).toBeGreaterThan(60);
  expect(complaints(blocks)).toEqual([]);
}, 240_000);

test("an option that is misspelt would be found", () => {
  const wrong = {
    name: "wrong",
    code: 'import { staticMount } from "@tz/static";\nstaticMount("/", ".", { maxAgee: 1 });',
  };
  expect(complaints([wrong])).toEqual([expect.stringContaining("maxAgee")]);
}, 240_000);

function documents(): string[] {
  const below = (folder: string): string[] =>
    readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory())
        return /^(node_modules|dist|src|template|decisions)$/.test(entry.name) ? [] : below(path);
      return entry.name.endsWith(".md") && entry.name !== "CHANGELOG.md" ? [path] : [];
    });
  return ["README.md", ...["docs", "packages", "apps", "bench"].flatMap(below)];
}

function blocksOf(file: string): Block[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(/^```(js|ts|mjs)\b.*\n([\s\S]*?)^```$/gm)].map(
    ([, language, code = ""], index) => ({
      name: `${file} #${index + 1}`,
      isPlain: language !== "ts",
      code: inItsSurroundings(file, code),
    }),
  );
}

function inItsSurroundings(file: string, code: string): string {
  const usesForeignApp = /\bapp\.(use|all)\(/.test(code) && !/\b(const|let) app\b/.test(code);
  const express =
    usesForeignApp && expressPages.includes(file) ? 'declare const app: import("express").Express;\n' : "";
  const fastify =
    usesForeignApp && fastifyPages.includes(file)
      ? 'declare const app: import("fastify").FastifyInstance;\n'
      : "";
  const body = /^(if .*)?return\b.*$/m.test(code)
    ? `export async function example() {\n${code}}`
    : `${code}\nexport {};`;
  return express + fastify + body;
}
