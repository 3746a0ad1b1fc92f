import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";

const fixture = new URL("./watch-exit.fixture.ts", import.meta.url).pathname;

/** Runs one scene of the fixture in a process of its own: a crash must not be ours. */
async function run(scene: string, method: string) {
  const child = spawn(process.execPath, ["--import", "tsx", "--conditions=@tz/source", fixture, scene], {
    env: { ...process.env, TZ_WATCH: method },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 200_000,
  });
  const [output, errors, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit"),
  ]);
  return { output: output.trim(), errors, code, signal };
}

describe.each([
  ["poll-handle", ""],
  ["async-wait", "async"],
])("by %s", (_name, method) => {
  test("an open watch keeps the process until it is closed", async () => {
    expect(await run("keeps", method)).toMatchObject({ output: "timer\nreadable", code: 0 });
  });

  test("an unreferenced one does not", async () => {
    expect(await run("unref", method)).toMatchObject({ output: "exit", code: 0 });
  });

  test("a process ends by process.exit with a watch open", async () => {
    expect(await run("exit", method)).toMatchObject({ output: "exit", code: 7 });
  });

  test("an error of a callback is an uncaught exception: code 1 and its stack", async () => {
    const { code, signal, errors } = await run("throws", method);
    expect([code, signal]).toEqual([1, null]);
    expect(errors).toContain("Error: thrown in the callback");
    expect(errors).toContain("watch-exit.fixture.ts");
  });

  test("an error of a callback reaches a handler, and the watch goes on", async () => {
    expect(await run("caught", method)).toMatchObject({ output: "caught 1\ncaught 2\ncaught 3", code: 0 });
  });
});

test.each([
  ["poll-handle", ""],
  ["async-wait", "async"],
])(
  "by %s: errors of ticks and promises that a callback made reach their handlers, once",
  async (_name, method) => {
    const { output, code, errors } = await run("ticks", method);
    expect([code, errors]).toEqual([0, ""]);
    expect(output.split("\n").sort()).toEqual([
      "caught in a tick",
      "first tick",
      "last tick",
      "rejected unhandled",
    ]);
  },
);

test("without Node's tick runner promises of a callback run all the same", async () => {
  const { output, code } = await run("without a tick runner", "");
  expect([output, code]).toEqual(["promise after true\ncalls 100", 0]);
});

describe("a worker thread that ends with a watch open takes nothing down", () => {
  test.each([
    ["returns", ["worker exit 0"]],
    ["throws", ["worker error: thrown in the worker", "worker exit 1"]],
    ["exits", ["worker exit 4"]],
    ["is terminated", ["worker exit 1"]],
  ])("when it %s", async (way, end) => {
    const { output, errors, code, signal } = await run(`worker ${way}`, "");
    expect([code, signal, errors]).toEqual([0, null, ""]);
    expect(output.split("\n")).toEqual(["async-wait readable", ...end, "main alive"]);
  });
});
