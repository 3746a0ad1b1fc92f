import assert from "node:assert";
import { readFileSync } from "node:fs";

const { dependencies } = JSON.parse(readFileSync("package.json", "utf8"));
for (const name of Object.keys(dependencies).filter((each) => each.startsWith("@tz/"))) {
  const module = await import(name);
  assert.ok(Object.keys(module).length > 0, name);
}
