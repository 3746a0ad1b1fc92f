import { describe, expect, test } from "vitest";
import { CONNECTION_OPTIONS, connectionSettings, DEFLATE_OPTIONS, deflateSettings } from "./options.js";

describe.each([
  ["connection", CONNECTION_OPTIONS, connectionSettings],
  ["deflate", DEFLATE_OPTIONS, deflateSettings],
] as const)("options of a %s", (owner, table, resolve) => {
  test("defaults are within their bounds and come back", () => {
    const settings = resolve() as Record<string, number | boolean>;
    for (const [name, rule] of Object.entries(table)) {
      expect(settings[name]).toBe(rule.default);
      if ("min" in rule) expect(rule.default >= rule.min && rule.default <= rule.max).toBe(true);
    }
    expect(Object.isFrozen(settings)).toBe(true);
  });

  test("bounds are accepted, what lies beyond is refused with name, value and bounds", () => {
    for (const [name, rule] of Object.entries(table)) {
      if (!("min" in rule)) {
        expect(resolve({ [name]: !rule.default })).toMatchObject({ [name]: !rule.default });
        expect(() => resolve({ [name]: 1 })).toThrow(
          `${owner}: option "${name}" must be true or false, got 1`,
        );
        continue;
      }
      for (const value of [rule.min, rule.max])
        expect(resolve({ [name]: value })).toMatchObject({ [name]: value });
      for (const value of [rule.min - 1, rule.max + 1, rule.min + 0.5, Number.NaN, "1", null]) {
        const shown = typeof value === "string" ? `"${value}"` : String(value);
        expect(() => resolve({ [name]: value })).toThrow(
          expect.objectContaining({
            code: "TZ_WS_OPTION",
            message: `${owner}: option "${name}" must be an integer from ${rule.min} to ${rule.max} (${rule.unit}), got ${shown}`,
          }),
        );
      }
    }
  });

  test("an unknown name is refused", () => {
    expect(() => resolve({ maxMesageBytes: 1 } as object)).toThrow(
      `unknown option "maxMesageBytes"; known are ${Object.keys(table).join(", ")}`,
    );
  });
});
