import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { expect, test } from "vitest";
import * as sys from "./index.js";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

test("the example of the README is an echo server", async () => {
  const code = /```js\n([\s\S]*?)```/.exec(readme)![1]!;
  const flags = ["--import", "tsx", "--conditions=@tz/source", "--input-type=module", "-e", code];
  const child = spawn(process.execPath, flags, {
    cwd: new URL("..", import.meta.url),
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const port = Number(/^echo on 127\.0\.0\.1:(\d+)\n$/.exec(line.toString())![1]);
    for (const text of ["first", "second"]) {
      const client = connect(port, "127.0.0.1");
      client.write(text);
      const [answer] = (await once(client, "data")) as [Buffer];
      expect(answer.toString()).toBe(text);
      client.destroy();
    }
  } finally {
    child.kill("SIGKILL");
  }
});

test("the README names every function, and no other", () => {
  const exported = Object.entries(sys)
    .filter(([name, value]) => typeof value === "function" && /^[a-z]/.test(name))
    .map(([name]) => name);
  const missing = exported.filter((name) => !new RegExp(`\\b${name}\\b`).test(readme));
  expect(missing).toEqual([]);
  const lists = /\*\*Hot calls\*\*[\s\S]*?Descriptors, addresses/.exec(readme)![0];
  const named = [...lists.matchAll(/`([a-z][A-Za-z0-9]*)`(?= |\n)/g)].map((match) => match[1]!);
  expect(named.length).toBeGreaterThan(50);
  expect(named.filter((name) => !exported.includes(name) && name !== "code")).toEqual([]);
});

test("the README names every error code", () => {
  const rows = readme.split("\n").map((line) => /^\| `(TZ_SYS_[A-Z_]+)`/.exec(line)?.[1]);
  expect(rows.filter((code) => code !== undefined)).toEqual(Object.values(sys.SYS_ERROR_CODES));
});
