// Installs the locked dependencies with the pnpm version that the workspace names.
import { install } from "./workspace/install.mjs";
import { alone } from "./workspace/lock.mjs";
import { stage } from "./workspace/stage.mjs";

await stage(() => alone(install));
