import type { Session, User } from "@tz/cloudterm";
import { expect, test } from "vitest";
import { checkStillIn } from "./request-guard.js";

const begun = (createdMs: number) => ({ record: { createdMs } }) as Session;
const since = (sessionsFromMs: number) => ({ sessionsFromMs }) as User;

test("a change that a session began is refused when all sessions were ended meanwhile", () => {
  expect(() => checkStillIn(since(0), begun(1000))).not.toThrow();
  expect(() => checkStillIn(since(1000), begun(1000))).not.toThrow();
  expect(() => checkStillIn(since(1001), begun(1000))).toThrow(
    expect.objectContaining({ code: "TZ_CLOUDTERM_SESSION" }),
  );
});
