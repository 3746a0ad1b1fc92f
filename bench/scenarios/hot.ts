import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compareServers } from "../harness/compare-servers.js";
import type { Answer } from "../harness/exchange.js";
import type { Scenario } from "../harness/scenario.js";

/** 1,024 bytes of style sheet. */
const body = Buffer.from(
  `${"/* one rule after the other */\n.a { color: #123456; }\n".repeat(40).slice(0, 1023)}\n`,
);

/** A static server that leaves these out does less work than the others and is not comparable. */
const requiredFields = ["content-type", "content-length", "etag", "last-modified", "date"];

function checkAnswer({ status, fields, body: received }: Answer): string | undefined {
  if (status !== 200) return `status ${status}, not 200`;
  const absent = requiredFields.filter((name) => !fields.get(name));
  if (absent.length > 0) return `no ${absent.join(", ")}`;
  if (!/^text\/css\b/.test(fields.get("content-type") ?? ""))
    return `content-type ${fields.get("content-type")}`;
  if (fields.get("connection") === "close") return "closes the connection";
  return received.equals(body) ? undefined : `a body of ${received.length} bytes that is not the file`;
}

export const scenario: Scenario = {
  name: "hot",
  title: "A hot 1 KB file, keep-alive",
  targets: ["limit", "tz-static", "tz-static-node", "nginx", "h2o", "lighttpd", "node-http", "sirv"],
  async run(work, targets, settings) {
    const root = join(work, "www");
    mkdirSync(root);
    chmodSync(root, 0o755); // Some servers give up root before they read.
    writeFileSync(join(root, "style.css"), body);
    return compareServers(
      { subject: "tz-static", targets, root, work, path: "/style.css", check: checkAnswer },
      settings,
    );
  },
};
