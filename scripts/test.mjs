// `npm test -- [vitest arguments]`: installs and builds what is missing, then runs every project's tests.
import { join } from "node:path";
import { build } from "./workspace/build.mjs";
import { install } from "./workspace/install.mjs";
import { alone } from "./workspace/lock.mjs";
import { root } from "./workspace/root.mjs";
import { run } from "./workspace/run.mjs";
import { stage } from "./workspace/stage.mjs";

await stage(async () => {
  await alone(async () => {
    await install();
    await build();
  });
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  // The end-to-end tests then drive what was just built, as it would be published.
  await run(process.execPath, [vitest, "run", ...process.argv.slice(2)], {
    output: "inherit",
    env: { TZ_TEST_BUILT: "1" },
  });
});
