import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { type CommandLine, readConfig } from "../config.js";
import { resolveSettings } from "../settings.js";
import { UsageError } from "../usage-error.js";

const { properties } = JSON.parse(
  readFileSync(new URL("../../config.schema.json", import.meta.url), "utf8"),
) as { properties?: Readonly<Record<string, unknown>> };
const NAMES = [
  ...Object.keys(properties ?? {}),
  "mounts",
  "root",
  "prefix",
  "nonsense",
  "__proto__",
  "constructor",
];

const value = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom<unknown>(
      "./site",
      "/",
      "/a",
      true,
      false,
      0,
      1,
      -1,
      8080,
      "auto",
      "",
      null,
      [],
      {},
    ),
  },
  { weight: 1, arbitrary: fc.jsonValue() },
);
const keys = fc.array(fc.tuple(fc.constantFrom(...NAMES), value), { maxLength: 5 });
const written = (pairs: readonly (readonly [string, unknown])[]): string =>
  `{${pairs.map(([name, each]) => `${JSON.stringify(name)}: ${JSON.stringify(each)}`).join(", ")}}`;
const mounts = fc
  .tuple(keys, fc.array(keys, { maxLength: 3 }))
  .map(
    ([outer, inner]) =>
      `${written(outer).slice(0, -1)}${outer.length > 0 ? "," : ""} "mounts": [${inner.map(written).join(", ")}]}`,
  );
const content = fc.oneof(
  { weight: 3, arbitrary: keys.map(written) },
  { weight: 3, arbitrary: mounts },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
);

test("whatever a config file holds, it is settings or one line that names the file", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tz-config-fuzz-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "site"));
  const file = join(folder, "tz.json");
  await fc.assert(
    fc.asyncProperty(content, async (text) => {
      writeFileSync(file, text);
      try {
        const settings = await resolveSettings(readConfig(["--config", file], "0") as CommandLine);
        expect(settings).toBeTypeOf("object");
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        expect(error.message).not.toContain("\n");
      }
      expect(({} as { root?: unknown }).root).toBe(undefined);
    }),
    { numRuns: 1000 },
  );
});
