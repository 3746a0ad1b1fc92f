import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

const analyze = spawnSync("systemd-analyze", ["--version"]).status === 0;
const page = readFileSync(new URL("../../../docs/deploy/systemd.md", import.meta.url), "utf8");
const units = [...page.matchAll(/^`\S*\/([\w-]+\.\w+)`:\n\n```ini\n(.*?)^```/gms)].map(([, name, text]) => ({
  name: name ?? "",
  text: (text ?? "").replace("/usr/bin/node", process.execPath),
}));

test.skipIf(!analyze)(
  `systemd takes the units of the manual${analyze ? "" : " (skipped: no systemd-analyze)"}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), "tz-unit-"));
    for (const { name, text } of units) writeFileSync(join(folder, name), text);
    const files = units.map(({ name }) => join(folder, name));
    expect(files).toHaveLength(2);
    expect(execFileSync("systemd-analyze", ["verify", ...files], { stdio: "pipe" }).toString()).toBe("");
  },
);
