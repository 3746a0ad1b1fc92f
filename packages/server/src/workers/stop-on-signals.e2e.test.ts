import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";

const fixture = fileURLToPath(new URL("./stop-on-signals.fixture.ts", import.meta.url));

describe.skipIf(process.platform === "win32")("a program that stops on signals", () => {
  async function start(): Promise<{ child: ChildProcess; errors: () => string }> {
    const child = spawn(process.execPath, ["--import", "tsx", "--conditions=@tz/source", fixture], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    let errors = "";
    child.stderr!.on("data", (chunk) => {
      errors += chunk;
    });
    expect(await once(child, "message")).toContain("ready");
    return { child, errors: () => errors };
  }
  async function stopping(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
    const said = once(child, "message");
    child.kill(signal);
    expect(await said).toContain("stopping");
  }

  test.each(["SIGINT", "SIGTERM"] as const)("%s: stops, then ends with 0", async (signal) => {
    const { child } = await start();
    await stopping(child, signal);
    child.send("done");
    expect(await once(child, "close")).toEqual([0, null]);
  });

  test("ends with 1 and says why when the stop fails", async () => {
    const { child, errors } = await start();
    await stopping(child, "SIGTERM");
    child.send("fail");
    expect(await once(child, "close")).toEqual([1, null]);
    expect(errors()).toContain("the store is gone");
  });

  test("a second signal ends it at once", async () => {
    const { child } = await start();
    await stopping(child, "SIGTERM");
    child.kill("SIGINT");
    expect(await once(child, "close")).toEqual([130, null]);
  });
});
