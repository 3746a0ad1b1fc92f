import { busyTarget } from "./run/busy.mjs";

export const target = busyTarget(
  import.meta,
  "tz-busy-1",
  "this project, a handler that computes, one process",
  1,
);
