// `npm start -- [DIR] [options]`: installs and builds what is missing, then serves. Needs only Node and npm.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "./workspace/build.mjs";
import { endWithNpm } from "./workspace/end-with-npm.mjs";
import { install } from "./workspace/install.mjs";
import { alone } from "./workspace/lock.mjs";
import { root } from "./workspace/root.mjs";
import { stage } from "./workspace/stage.mjs";

endWithNpm();
await stage(() =>
  alone(async () => {
    await install();
    await build("tz-static");
  }),
);

// npm runs scripts in the workspace folder; DIR is meant from where the user called.
if (process.env.INIT_CWD) process.chdir(process.env.INIT_CWD);

// The command runs in this very process: signals, stdout and the exit code are its own.
const cli = join(root, "apps/static-demo/dist/cli.js");
process.argv[1] = cli;
await import(pathToFileURL(cli).href);
