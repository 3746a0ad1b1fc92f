// `npm run torture -- processes|fuzz [--minutes 10]`: the tests that kill, stop and starve processes, or all fuzz targets,
// again and again until the time is up; fuzz targets choose other input each time. Ends with 1 at the first failure.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "./workspace/root.mjs";

const CAMPAIGNS = {
  processes: [
    "packages/server/src/workers/workers.e2e.test.ts",
    "packages/server/src/workers/supervision.e2e.test.ts",
    "packages/server/src/workers/system.e2e.test.ts",
    "packages/cache/src/shared/hammer.test.ts",
    "packages/cache/src/shared/death.test.ts",
    "packages/static/src/adapters/workers.e2e.test.ts",
    "packages/static/src/images/image-store.test.ts",
    "packages/server/src/observe/log-file.test.ts",
    "packages/cloudterm/src/audit/audit-log.test.ts",
    "packages/cloudterm/src/sessions/memory-store.test.ts",
    "apps/cloudterm/src/outages.e2e.test.ts",
  ],
  fuzz: [".fuzz.test.ts"],
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: "string", default: "10" } },
});
const files = CAMPAIGNS[positionals[0]];
const minutes = Number(values.minutes);
if (files === undefined || !(minutes > 0)) {
  console.error("usage: npm run torture -- processes|fuzz [--minutes 10]");
  process.exit(2);
}

/** @returns whether all passed */
function once() {
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const child = spawn(process.execPath, [vitest, "run", "--reporter=dot", ...files], {
    cwd: root,
    stdio: "inherit",
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code === 0));
  });
}

const end = Date.now() + minutes * 60_000;
let rounds = 0;
while (rounds === 0 || Date.now() < end) {
  rounds++;
  if (await once()) continue;
  process.exitCode = 1;
  break;
}
console.log(`${positionals[0]}: ${rounds} rounds${process.exitCode === 1 ? ", the last one failed" : ""}`);
