// Runs the fuzz targets of a package, each for some seconds: node scripts/fuzz.mjs http1|ws SECONDS
import { join } from "node:path";
import { root } from "./workspace/root.mjs";
import { run } from "./workspace/run.mjs";

const commands = {
  // Coverage-guided; what it finds goes into the corpus, which the tests replay.
  http1: (seconds) => ({
    args: ["--import", "tsx", "--conditions=@tz/source", "packages/http1/fuzz/run.ts", "--seconds", seconds],
  }),
  ws: (seconds) => ({
    args: [join(root, "node_modules/vitest/vitest.mjs"), "run", "--project", "@tz/ws", "fuzz"],
    env: { TZ_FUZZ_SECONDS: seconds },
  }),
};

const [name, seconds = "20"] = process.argv.slice(2);
if (!Object.hasOwn(commands, name ?? "") || !/^[1-9]\d{0,4}$/.test(seconds)) {
  console.error(`usage: node scripts/fuzz.mjs ${Object.keys(commands).join("|")} SECONDS (1 to 99999)`);
  process.exit(2);
}
const { args, ...options } = commands[name](seconds);
try {
  await run(process.execPath, args, { output: "inherit", ...options });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
