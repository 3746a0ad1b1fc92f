// `npm run torture -- reload [--minutes 10] [--loop epoll|node]`: builds what is missing, then kills and replaces the workers of
// `tz-static` in a loop under load. Ends with 1 when a request failed that should not.
import { join } from "node:path";
import { build } from "./workspace/build.mjs";
import { endWithNpm } from "./workspace/end-with-npm.mjs";
import { install } from "./workspace/install.mjs";
import { alone } from "./workspace/lock.mjs";
import { root } from "./workspace/root.mjs";
import { run } from "./workspace/run.mjs";
import { stage } from "./workspace/stage.mjs";

endWithNpm();
await stage(async () => {
  await alone(async () => {
    await install();
    await build("tz-static");
  });
  const program = join(root, "apps/static-demo/src/torture/run.fixture.ts");
  const args = ["--import", "tsx", "--conditions=@tz/source", program, ...process.argv.slice(2)];
  await run(process.execPath, args, { output: "inherit" });
});
