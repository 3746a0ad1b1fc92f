import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { simdKernel } from "./kernel.js";
import { webAssembly } from "./webassembly.js";

const script = fileURLToPath(new URL("../scripts/build-kernel.mjs", import.meta.url));

test("the embedded kernel is what its source compiles to", async () => {
  const { stderr } = await promisify(execFile)(process.execPath, [script, "--check"]);
  expect(stderr).toBe("");
});

test("the kernel stays inside its memory", () => {
  const kernel = simdKernel(new webAssembly!.Memory({ initial: 1, maximum: 1 }))!;
  expect(() => kernel.mask(65530, 65540, 0x01020304)).toThrow("out of bounds");
  expect(() => kernel.copy(65530, 0, 10)).toThrow("out of bounds");
});
