import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { support } from "./native.js";

const fixture = new URL("./guarded-pages.fixture.ts", import.meta.url).pathname;

/** In a process of its own: it is meant to die. */
async function run(scene: string) {
  const child = spawn(process.execPath, ["--import", "tsx", "--conditions=@tz/source", fixture, scene], {
    env: { ...process.env, TZ_CHECK: "1", NODE_OPTIONS: "" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [output, [code, signal]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  return { output: output.trim(), code, signal };
}

describe.skipIf(!support.supported)("memory that is checked", () => {
  test("all of it can be written, and nothing else is", async () => {
    expect(await run("inside")).toEqual({ output: "written, alone", code: 0, signal: null });
  });

  test("a page too many is refused by the checker", async () => {
    expect(await run("refused")).toEqual({ output: "TZ_SYS_BAD_ADDRESS", code: 0, signal: null });
  });

  test.each(["behind", "one byte behind", "before"])(
    "what goes past the checker ends the process where it happens: %s",
    async (scene) => {
      expect(await run(scene)).toEqual({ output: "", code: null, signal: "SIGSEGV" });
    },
  );

  test("the kernel writes nothing there either", async () => {
    expect(await run("kernel")).toEqual({ output: "-1 EFAULT", code: 0, signal: null });
  });
});
