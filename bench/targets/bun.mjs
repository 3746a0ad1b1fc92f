import { join } from "node:path";
import { runAlone } from "./run/alone.mjs";
import { bunTarget } from "./run/bun.mjs";

export const target = bunTarget({
  name: "bun",
  about: "Bun.serve, static route",
  file: join(import.meta.dirname, "bun/static-route.mjs"),
});

runAlone(import.meta, target);
