// `npm run torture -- [reload|kernel|clients|disk|soak|processes|fuzz|defects] [--minutes 10] [--loop epoll|node]`: builds what is
// missing, then runs the campaign, or all but the last three. Ends with 1 when something failed that should not:
// docs/reliability.md.
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
  if (process.argv[2] === "defects") {
    await run(process.execPath, [join(root, "scripts/seeded-defects.mjs")], { output: "inherit" });
    return;
  }
  if (["processes", "fuzz"].includes(process.argv[2] ?? "")) {
    const args = [join(root, "scripts/repeated-tests.mjs"), ...process.argv.slice(2)];
    await run(process.execPath, args, { output: "inherit" });
    return;
  }
  const program = join(root, "apps/static-demo/src/torture/run.fixture.ts");
  const args = ["--import", "tsx", "--conditions=@tz/source", program, ...process.argv.slice(2)];
  await run(process.execPath, args, { output: "inherit" });
});
