import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const fixture = fileURLToPath(new URL("./jitless.fixture.ts", import.meta.url));

test.each([
  ["with WebAssembly the SIMD kernel", [], true],
  ["without it the plain one", ["--no-expose-wasm"], false],
])("%s masks, and the echo is the same", async (_name, flags, simd) => {
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, [
    ...flags,
    "--import",
    "tsx",
    "--conditions=@tz/source",
    fixture,
  ]);
  expect(JSON.parse(stdout)).toEqual({ simd, sent: "810548656c6c6f" });
});
