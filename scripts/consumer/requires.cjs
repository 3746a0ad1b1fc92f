const assert = require("node:assert");
const { readFileSync } = require("node:fs");

const { dependencies } = JSON.parse(readFileSync("package.json", "utf8"));
/** What cannot do without the optional packages: password hashes are native code. */
const without = process.argv.slice(2);
const names = Object.keys(dependencies).filter((each) => each.startsWith("@tz/") && !without.includes(each));
for (const name of names) {
  assert.ok(Object.keys(require(name)).length > 0, name);
}
