import { expect, test } from "vitest";
import { pollHandle } from "../native.js";
import { watchConformance } from "./watch.conformance.js";

delete process.env.TZ_WATCH;

test("this koffi has poll handles", () => {
  expect(pollHandle).toBeTypeOf("function");
});

watchConformance("poll-handle");
