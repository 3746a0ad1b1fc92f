import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const bench = fileURLToPath(new URL("../bench/run.ts", import.meta.url));

test("every bench runs, and its results are right", async () => {
  const flags = ["--expose-gc", "--import", "tsx", "--conditions=@tz/source"];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, bench, "--quick"]);
  expect(stdout.match(/^### .*/gm)?.length).toBe(6);
});
