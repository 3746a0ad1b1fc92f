import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { logFile } from "./log-file.js";
import { smallDisk } from "./small-disk.fixture.js";

const disk = smallDisk();

test.skipIf(!disk.canMount)(`a full disk: the lines that follow are whole${disk.reason}`, async () => {
  const place = disk.mount(64 * 1024);
  onTestFinished(place.unmount);
  const path = join(place.path, "access.log");
  const filler = join(place.path, "filler");
  const write = logFile(path);
  await write("before\n");
  // Whole pages but one, so that the next write is cut in the middle.
  writeFileSync(filler, Buffer.alloc(14 * 4096));
  await expect(write(`${"x".repeat(9999)}\n`)).rejects.toMatchObject({ code: "ENOSPC" });
  rmSync(filler);
  await write("after\n");
  await write("last\n");
  const lines = readFileSync(path, "utf8").split("\n");
  expect(lines[0]).toBe("before");
  expect(lines.slice(-3)).toEqual(["after", "last", ""]);
  expect(lines.length).toBe(5);
  await write.close?.();
});
