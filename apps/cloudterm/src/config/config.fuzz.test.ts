import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { UsageError } from "../usage-error.js";
import { CONFIG, type Config, type ConfigName, variableOf } from "./config-table.js";
import { readConfig } from "./read-config.js";

const NAMES = Object.keys(CONFIG) as ConfigName[];
const text = fc.oneof(
  fc.constantFrom(
    "",
    "0",
    "1",
    "-1",
    "1e99",
    "0x10",
    "true",
    "yes",
    "a.example,b.example",
    ",",
    "\0",
    "NaN",
    " 1",
  ),
  fc.string({ unit: "binary", maxLength: 20 }),
);
const value = fc.oneof({ weight: 2, arbitrary: text }, { weight: 1, arbitrary: fc.jsonValue() });
const file = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .array(fc.tuple(fc.constantFrom(...NAMES, "__proto__", "nonsense"), value), { maxLength: 5 })
      .map(
        (pairs) =>
          `{${pairs.map(([name, each]) => `${JSON.stringify(name)}: ${JSON.stringify(each)}`).join()}}`,
      ),
  },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
);
const environment = fc.array(fc.tuple(fc.constantFrom(...NAMES), text), { maxLength: 3 });

test("whatever file and environment hold, every setting is as its row says, or one line says what is wrong", () => {
  const folder = mkdtempSync(join(tmpdir(), "tz-config-fuzz-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "cloudterm.json");
  fc.assert(
    fc.property(file, environment, (content, variables) => {
      writeFileSync(path, content);
      const env = Object.fromEntries(variables.map(([name, each]) => [variableOf(name), each]));
      let config: Config;
      try {
        config = readConfig(["--config", path], "1.2.3", env) as Config;
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        expect(error.message).not.toContain("\n");
        return;
      }
      for (const name of NAMES) {
        const row = CONFIG[name];
        const got: unknown = config[name];
        if (row.type === "number") {
          expect(
            Number.isFinite(got) && Number(got) >= row.min && Number(got) <= row.max,
            `${name}: ${got}`,
          ).toBe(true);
        } else if (row.type === "flag") expect(got).toBeTypeOf("boolean");
        else if (row.type === "list") for (const each of got as unknown[]) expect(each).toBeTypeOf("string");
        else expect(got).toBeTypeOf("string");
      }
    }),
    { numRuns: 1500 },
  );
});
