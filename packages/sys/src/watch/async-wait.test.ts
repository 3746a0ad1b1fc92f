import { afterAll } from "vitest";
import { watchConformance } from "./watch.conformance.js";

process.env.TZ_WATCH = "async";
afterAll(() => {
  delete process.env.TZ_WATCH;
});

watchConformance("async-wait");
