// `npm run bench -- [scenario…] [--rounds 5] [--seconds 3] [--connections 64] [--targets a,b] [--out .tz/bench]`
import { register } from "tsx/esm/api";
import { build } from "../scripts/workspace/build.mjs";
import { install } from "../scripts/workspace/install.mjs";
import { alone } from "../scripts/workspace/lock.mjs";
import { stage } from "../scripts/workspace/stage.mjs";

// What is measured is what is published, never an old build. The command brings every package that targets use.
await stage(() =>
  alone(async () => {
    await install();
    await build("tz-static");
    await build("tz-one-million");
    await build("tz-cloudterm");
  }),
);
// The harness is TypeScript; the servers under test are plain processes of their own.
register();
const { main } = await import("./main.ts");
try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
}
