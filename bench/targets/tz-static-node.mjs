import { runAlone } from "./run/alone.mjs";
import { tzStatic } from "./tz-static.mjs";

/** @type {import("../harness/target.ts").Target} */
export const target = tzStatic("node", "tz-static-node", "this project, portable loop on node:net");

runAlone(import.meta, target);
