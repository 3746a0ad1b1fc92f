import { expect, test } from "vitest";
import { RouterError } from "./errors.js";
import { ROUTER_OPTIONS, type RouterOptions, resolveOptions } from "./options.js";

test("without options every one has its default", () => {
  const defaults = Object.entries(ROUTER_OPTIONS).map(([name, rule]) => [name, rule.default]);
  expect(resolveOptions({})).toEqual(Object.fromEntries(defaults));
  expect(resolveOptions({ maxVisits: 16, autoHead: false })).toMatchObject({
    maxVisits: 16,
    autoHead: false,
  });
});

test.each<[object, string]>([
  [{ caseSensetive: true }, 'Unknown option "caseSensetive"; known are caseSensitive, trailingSlash'],
  [{ caseSensitive: "yes" }, 'Option "caseSensitive" must be true or false, got "yes"'],
  [{ trailingSlash: "redirect" }, 'Option "trailingSlash" must be "strict" or "ignore", got "redirect"'],
  [{ trailingSlash: {} }, 'Option "trailingSlash" must be "strict" or "ignore", got an object'],
  [{ maxPathBytes: 15 }, 'Option "maxPathBytes" must be an integer from 16 to 1048576 (bytes), got 15'],
  [{ maxPathBytes: 99.5 }, "got 99.5"],
  [{ maxVisits: 65_537 }, 'Option "maxVisits" must be an integer from 16 to 65536 (nodes), got 65537'],
  [{ maxVisits: "64" }, 'got "64"'],
  [{ codeGeneration: null }, 'must be "auto" or "never", got null'],
])("%o is refused", (options, message) => {
  expect(() => resolveOptions(options as RouterOptions)).toThrow(RouterError);
  expect(() => resolveOptions(options as RouterOptions)).toThrow(message);
});
