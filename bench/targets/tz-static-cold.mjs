import { runAlone } from "./run/alone.mjs";
import { tzStatic } from "./tz-static.mjs";

export const target = tzStatic("epoll", "tz-static-cold", "this project, epoll loop, nothing cached", [
  "--cache-mb",
  "0",
]);

runAlone(import.meta, target);
