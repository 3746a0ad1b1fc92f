import { join } from "node:path";
import { runAlone } from "./run/alone.mjs";
import { bunTarget } from "./run/bun.mjs";

export const target = bunTarget({
  name: "bun-json",
  about: "Bun.serve, routes with a parameter",
  file: join(import.meta.dirname, "bun/json-routes.mjs"),
});

runAlone(import.meta, target);
