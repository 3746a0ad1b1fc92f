// `npm run build`: builds every package whose sources changed.
import { build } from "./workspace/build.mjs";
import { install } from "./workspace/install.mjs";
import { alone } from "./workspace/lock.mjs";
import { stage } from "./workspace/stage.mjs";

await stage(() =>
  alone(async () => {
    await install();
    await build();
  }),
);
