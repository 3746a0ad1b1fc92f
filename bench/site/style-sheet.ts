import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Answer } from "../harness/exchange.js";

/** 1,024 bytes of style sheet. */
export const styleSheet = Buffer.from(
  `${"/* one rule after the other */\n.a { color: #123456; }\n".repeat(40).slice(0, 1023)}\n`,
);

/** A static server that leaves these out does less work than the others and is not comparable. */
const requiredFields = ["content-type", "content-length", "etag", "last-modified", "date"];

/** What is wrong with the answer to a request for a file. */
export function wrongFile({ status, fields, body }: Answer, expected: Buffer): string | undefined {
  if (status !== 200) return `status ${status}, not 200`;
  const absent = requiredFields.filter((name) => !fields.get(name));
  if (absent.length > 0) return `no ${absent.join(", ")}`;
  if (fields.get("connection") === "close") return "closes the connection";
  return body.equals(expected) ? undefined : `a body of ${body.length} bytes that is not the file`;
}

export function wrongStyleSheet(answer: Answer): string | undefined {
  const wrong = wrongFile(answer, styleSheet);
  if (wrong !== undefined) return wrong;
  const type = answer.fields.get("content-type") ?? "";
  return /^text\/css\b/.test(type) ? undefined : `content-type ${type}`;
}

/** Makes the folder of files. */
export function makeSite(work: string, files: Readonly<Record<string, Uint8Array>>): string {
  const root = join(work, "www");
  mkdirSync(root);
  chmodSync(root, 0o755); // Some servers give up root before they read.
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(root, name), bytes);
  return root;
}
