import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { compareServers } from "./compare-servers.js";
import { missingWrk } from "./wrk.js";

const settings = { rounds: 2, seconds: 1, connections: 2, tiny: true, progress: () => {} };

function site() {
  const work = mkdtempSync(join(tmpdir(), "tz-compare-"));
  onTestFinished(() => rmSync(work, { recursive: true, force: true }));
  writeFileSync(join(work, "style.css"), "a {}\n");
  return { root: work, work, path: "/style.css" };
}

const lacking = missingWrk();

test.skipIf(lacking)("a target that answers wrongly is never timed", async () => {
  const comparison = { ...site(), subject: "node-http", targets: ["node-http"] };
  const wrong = compareServers(
    { ...comparison, check: ({ status }) => `status ${status}, not 418` },
    settings,
  );
  await expect(wrong).rejects.toThrow("node-http answers wrongly: status 200, not 418");
});

test.skipIf(lacking)("rounds alternate and every target has each", { timeout: 240_000 }, async () => {
  const turns: string[] = [];
  const result = await compareServers(
    { ...site(), subject: "node-http", targets: ["node-http", "sirv"], check: () => undefined },
    { ...settings, progress: (line) => turns.push(line) },
  );
  expect(turns).toEqual([
    "round 1/2: node-http",
    "round 1/2: sirv",
    "round 2/2: node-http",
    "round 2/2: sirv",
  ]);
  expect(result.rows.map((row) => row.rounds.length)).toEqual([2, 2]);
  const [self, other] = result.rows;
  expect(self?.subjectRatio).toEqual({ median: 1, min: 1, max: 1 });
  const [first, second] = (other?.rounds ?? []).map((sample, round) => {
    return (self?.rounds[round]?.cpuMicrosPerRequest ?? 0) / sample.cpuMicrosPerRequest;
  });
  expect(other?.subjectRatio.median).toBeCloseTo(((first ?? 0) + (second ?? 0)) / 2, 10);
});

test.skipIf(lacking)("a subject that is not among the targets is an error", async () => {
  const comparison = { ...site(), subject: "nginx", targets: ["node-http"], check: () => undefined };
  await expect(compareServers(comparison, settings)).rejects.toThrow(/nginx is missing/);
});
