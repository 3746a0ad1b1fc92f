import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startCli } from "./cli.fixture.js";

test("TZ_DEBUG=static shows what mounts are asked and answer", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tz-traces-"));
  writeFileSync(join(folder, "a.txt"), "a\n");
  const cli = startCli([folder, "--port", "0"], { env: { TZ_DEBUG: "static" } });
  const { url } = await cli.ready();
  await (await fetch(`${url}a.txt`)).text();
  await (await fetch(`${url}none`)).text();
  await cli.stop();
  const lines = cli.stderr
    .split("\n")
    .filter((line) => line.startsWith("tz:"))
    .map((line) => line.replace(/^(tz:\w+) \d+ \d+\.\d{4} /, "$1 ").replace(/\d+\.\d\d ms/, "TIME"));
  expect(lines).toEqual([
    "tz:static / GET /a.txt",
    "tz:static / GET /a.txt 200, TIME",
    "tz:static / GET /none",
    "tz:static / GET /none 404, TIME",
  ]);
});
