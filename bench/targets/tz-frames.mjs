import { tzProxy } from "./run/tz-proxy.mjs";

export const target = tzProxy(
  import.meta,
  "frames",
  "this project, frames are followed for limits and pings",
);
