import { runAlone } from "./run/alone.mjs";
import { tzStatic } from "./tz-static.mjs";

export const target = tzStatic("epoll", "tz-static-2", "this project, two workers", ["--workers", "2"]);

runAlone(import.meta, target);
