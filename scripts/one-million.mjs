// `npm run one-million -- [client] [options]`: installs and builds what is missing, then runs the challenge server or its
// load client.
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
    await build("tz-one-million");
  }),
);

// The command runs in this very process: signals, stdout and the exit code are its own.
const cli = join(root, "apps/one-million/dist/cli.js");
process.argv[1] = cli;
await import(pathToFileURL(cli).href);
