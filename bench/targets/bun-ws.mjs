import { join } from "node:path";
import { runAlone } from "./run/alone.mjs";
import { bunTarget } from "./run/bun.mjs";

export const target = bunTarget({
  name: "bun-ws",
  about: "Bun.serve, websocket",
  file: join(import.meta.dirname, "bun/ws-echo.mjs"),
});

runAlone(import.meta, target);
