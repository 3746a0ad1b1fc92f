import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ROUTER_ERROR_CODES } from "./errors.js";
import { PARAM_TYPES, Router } from "./index.js";
import { ROUTER_LIMITS, ROUTER_OPTIONS } from "./options.js";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

test("the README's tables name every option and every error code with its meaning", () => {
  for (const [name, { about }] of Object.entries(ROUTER_OPTIONS)) {
    expect(readme).toMatch(new RegExp(`\\| \`${name}\` \\|`));
    expect(readme).toContain(about);
  }
  for (const [code, meaning] of Object.entries(ROUTER_ERROR_CODES)) {
    expect(readme).toContain(`| \`${code}\` | ${meaning} |`);
  }
});

test("the reference names every type and every limit", () => {
  const reference = readFileSync(new URL("../../../docs/reference/router.md", import.meta.url), "utf8");
  for (const [name, { about }] of Object.entries(PARAM_TYPES)) {
    expect(reference).toContain(`| \`${name}\` | ${about} |`);
  }
  for (const { value, unit } of Object.values(ROUTER_LIMITS)) {
    expect(reference).toContain(`| ${value} | ${unit} |`);
  }
});

test("the README's example says what happens", () => {
  const router = new Router<string>();
  router.get("/users/:id(int)", "user");
  router.get("/files/*path", "files");
  router.get("/:year{[0-9]{4}}", "year");
  const match = router.match("GET", "/users/42?full");
  expect([match.outcome, match.value, match.typed("id")]).toEqual(["found", "user", 42]);
  expect(router.match("POST", "/users/42").allow).toContain("GET");
  expect(router.match("GET", "/2026").value).toBe("year");
  expect(router.match("GET", "/files/a/b").param("path")).toBe("a/b");
});
