import type { Answer } from "../harness/exchange.js";

export const newUser = JSON.stringify({
  name: "Ada Lovelace",
  email: "ada@example.org",
  age: 36,
  tags: ["math", "engines"],
});

/** What is wrong with a JSON answer. */
export function wrongJson({ status, fields, body }: Answer, expected: object): string | undefined {
  if (status !== 200) return `status ${status}, not 200`;
  const type = fields.get("content-type") ?? "";
  if (!/^application\/json\b/.test(type)) return `content-type ${type}`;
  if (!fields.get("date")) return "no date";
  if (fields.get("connection") === "close") return "closes the connection";
  return body.toString() === JSON.stringify(expected) ? undefined : `the body ${body}`;
}

export const routeTargets = ["tz-route", "node-http-json", "fastify", "hono-node", "bun-json"];
