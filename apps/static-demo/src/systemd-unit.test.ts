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

const cloudtermPage = readFileSync(new URL("../../../docs/deploy/cloudterm.md", import.meta.url), "utf8");
const [, cloudterm = ""] = /^```ini\n(.*?)^```/ms.exec(cloudtermPage) ?? [];
/** 10 is a unit that nothing holds back. Sockets, and for the gateway shells, are what these two are for. */
const hardened = [
  ["tz-static.service", units.find(({ name }) => name === "tz-static.service")?.text ?? "", 1.5],
  ["cloudterm.service", cloudterm, 3],
] as const;

test.skipIf(!analyze).each(hardened)(
  `systemd finds little left open in %s${analyze ? "" : " (skipped: no systemd-analyze)"}`,
  (name, text, exposure) => {
    const folder = mkdtempSync(join(tmpdir(), "tz-unit-"));
    writeFileSync(join(folder, name), text);
    const threshold = `--threshold=${exposure * 10}`;
    const args = ["security", "--offline=true", "--no-pager", threshold, join(folder, name)];
    const { status, stdout } = spawnSync("systemd-analyze", args, { encoding: "utf8" });
    expect(status, stdout).toBe(0);
  },
);
