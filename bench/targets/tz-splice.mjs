import { tzProxy } from "./run/tz-proxy.mjs";

export const target = tzProxy(import.meta, "splice", "this project, the kernel carries the bytes");
