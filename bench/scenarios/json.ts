import { compareServers } from "../harness/compare-servers.js";
import type { Answer } from "../harness/exchange.js";
import type { Scenario } from "../harness/scenario.js";

function checkAnswer({ status, fields, body }: Answer): string | undefined {
  if (status !== 200) return `status ${status}, not 200`;
  if (!/^application\/json\b/.test(fields.get("content-type") ?? ""))
    return `content-type ${fields.get("content-type")}`;
  if (!fields.get("date")) return "no date";
  if (fields.get("connection") === "close") return "closes the connection";
  return body.toString() === '{"id":"42"}' ? undefined : `the body ${body}`;
}

export const scenario: Scenario = {
  name: "json",
  title: "A JSON route with one parameter, keep-alive",
  targets: ["tz-route", "node-http-json", "fastify", "hono-node"],
  run: (work, targets, settings) =>
    compareServers(
      { subject: "tz-route", targets, root: work, work, path: "/users/42", check: checkAnswer },
      settings,
    ),
};
