import { busyTarget } from "./run/busy.mjs";

export const target = busyTarget(
  import.meta,
  "tz-busy-2",
  "this project, a handler that computes, two workers",
  2,
);
