import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { findCores } from "./harness/cores.js";
import { missingWrk } from "./harness/wrk.js";
import { main } from "./main.js";

const built = existsSync(new URL("../apps/static-demo/dist/cli.js", import.meta.url));
const lacking = missingWrk() ?? (built ? undefined : "tz-static is not built (pnpm build)");

/** Tiny on purpose: it shows that the bench still runs and still checks, not how fast anything is. */
test.skipIf(lacking)(`pnpm bench hot${lacking ? `: ${lacking}` : ""}`, { timeout: 120_000 }, async () => {
  const out = mkdtempSync(join(tmpdir(), "tz-bench-smoke-"));
  onTestFinished(() => rmSync(out, { recursive: true, force: true }));
  const print = vi.spyOn(console, "log").mockImplementation(() => {});
  vi.spyOn(console, "error").mockImplementation(() => {});
  onTestFinished(() => void vi.restoreAllMocks());

  const args = ["hot", "--rounds", "1", "--seconds", "1", "--connections", "4", "--out", out];
  const [report] = await main(args);

  const rows = report?.result.rows ?? [];
  const names = [
    ...rows.map((row) => row.target),
    ...(report?.result.missing ?? []).map(({ target }) => target),
  ];
  expect(names.sort()).toEqual(
    ["h2o", "lighttpd", "limit", "nginx", "node-http", "sirv", "tz-static", "tz-static-node"].sort(),
  );
  for (const row of rows) {
    expect(row.rounds).toHaveLength(1);
    expect(row.cpuMicrosPerRequest.median, row.target).toBeGreaterThan(0);
    expect(row.rounds[0]?.requests, row.target).toBeGreaterThan(0);
    expect(row.residentKiB, row.target).toBeGreaterThan(0);
  }
  expect(JSON.parse(readFileSync(join(out, "hot.json"), "utf8"))).toEqual(JSON.parse(JSON.stringify(report)));
  expect(print.mock.calls[0]?.[0]).toBe(readFileSync(join(out, "hot.md"), "utf8"));
  const cores = findCores();
  if ("server" in cores)
    expect(report?.result.pinning).toBe(`server on core ${cores.server}, wrk on core ${cores.load}`);
});

test("an unknown scenario is named with those that exist", async () => {
  await expect(main(["warm"])).rejects.toThrow(/no scenario "warm"; there are hot/);
});
