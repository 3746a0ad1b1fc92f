// Builds the site and serves it with tz-static: `npm run docs:serve -- [--port N]`.
import { join } from "node:path";
import { root } from "../scripts/workspace/root.mjs";
import { run } from "../scripts/workspace/run.mjs";

const command = join(root, "apps/static-demo/dist/cli.js");
const site = join(root, "website/dist");
await run(process.execPath, [join(root, "scripts/build.mjs")], { output: "inherit" });
await run(process.execPath, [join(root, "website/build.mjs")], { output: "inherit" });
await run(process.execPath, [command, "precompress", site], { output: "inherit" });
await run(process.execPath, [command, site, "--clean-urls", "--precompressed", ...process.argv.slice(2)], {
  output: "inherit",
});
