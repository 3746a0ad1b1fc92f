import { describe, expect, test } from "vitest";
import { isSendableCloseCode } from "./close-codes.js";
import { closePayload, readClose } from "./close-frame.js";
import { WsError } from "./errors.js";

/** RFC 6455 §7.4 and the IANA registry, written out. */
const SENDABLE = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];

test("RFC 6455 §7.4: codes that a Close may carry", () => {
  for (let code = 0; code <= 65535; code++) {
    const expected = SENDABLE.includes(code) || (code >= 3000 && code <= 4999);
    expect(isSendableCloseCode(code), String(code)).toBe(expected);
  }
});

describe("RFC 6455 §5.5.1 payload of a Close", () => {
  test("what is written is read", () => {
    for (const [code, reason] of [
      [1000, ""],
      [4999, "bye"],
      [1001, "schöne Grüße"],
      [3000, "x".repeat(123)],
    ] as const) {
      const payload = closePayload(code, reason);
      expect(readClose(payload, 0, payload.length)).toEqual({ code, reason });
    }
  });

  test("without a code it is empty and reads as 1005", () => {
    expect(closePayload(undefined).length).toBe(0);
    expect(readClose(Buffer.alloc(9), 4, 4)).toEqual({ code: 1005, reason: "" });
  });

  test.each([0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 1.5, Number.NaN])(
    "code %s is not written",
    (code) => {
      expect(() => closePayload(code)).toThrow(expect.objectContaining({ code: "TZ_WS_ARGUMENT" }));
    },
  );

  test("a reason of 124 bytes is not written", () => {
    expect(() => closePayload(1000, "ö".repeat(62))).toThrow(
      expect.objectContaining({ code: "TZ_WS_ARGUMENT" }),
    );
  });

  test.each([
    ["a code that must not be sent", "03ed", "TZ_WS_CLOSE_CODE", 1002],
    ["a reason that is not UTF-8", "03e8c0af", "TZ_WS_CLOSE_REASON", 1007],
    ["a reason that ends inside a character", "03e8e282", "TZ_WS_CLOSE_REASON", 1007],
  ])("%s is an error", (_name, hex, code, closeCode) => {
    const payload = Buffer.from(hex, "hex");
    const error = readClose(payload, 0, payload.length);
    expect(error).toBeInstanceOf(WsError);
    expect(error).toMatchObject({ code, closeCode });
  });
});
