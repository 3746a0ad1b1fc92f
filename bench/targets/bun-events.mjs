import { join } from "node:path";
import { runAlone } from "./run/alone.mjs";
import { bunTarget } from "./run/bun.mjs";

export const target = bunTarget({
  name: "bun-events",
  about: "Bun.serve, totals in memory",
  file: join(import.meta.dirname, "bun/events.mjs"),
});

runAlone(import.meta, target);
