const assert = require("node:assert");
const { readFileSync } = require("node:fs");

const { dependencies } = JSON.parse(readFileSync("package.json", "utf8"));
for (const name of Object.keys(dependencies).filter((each) => each.startsWith("@tz/"))) {
  assert.ok(Object.keys(require(name)).length > 0, name);
}
