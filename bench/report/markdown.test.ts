import { expect, test } from "vitest";
import type { ComparisonResult, Row } from "../harness/compare-servers.js";
import { type Report, toMarkdown } from "./markdown.js";
import { withTable } from "./publish.js";

const same = (value: number) => ({ median: value, min: value, max: value });

const row = (target: string, cost: number, ratio: number): Row => ({
  target,
  about: "about",
  version: "1.0",
  cpuMicrosPerRequest: { median: cost, min: cost - 0.5, max: cost + 0.25 },
  subjectRatio: same(ratio),
  requestsPerSecond: same(123_456.7),
  p50Micros: same(600),
  p99Micros: same(1200),
  idleKiB: 2048,
  residentKiB: 3072,
  rounds: [],
});

const report = (loadBefore: number): Report => ({
  scenario: "hot",
  title: "A hot file",
  machine: {
    date: "2026-11-21",
    cpu: "CPU",
    cores: 2,
    memoryGiB: 4,
    kernel: "Linux 6",
    node: "20.19.0",
    commit: "abc",
    loadBefore,
  },
  settings: { rounds: 5, seconds: 3, connections: 64 },
  result: {
    subject: "tz-static",
    pinning: "server on core 0, wrk on core 1",
    rows: [row("tz-static", 8, 1), row("nginx", 12, 0.6667)],
    missing: [{ target: "h2o", why: "h2o is not installed (apt-get install h2o)" }],
  },
});

test("medians with their spread, the subject as 1, what is missing, and how to repeat it", () => {
  const text = toMarkdown(report(0.1));
  expect(text).toContain(
    "| tz-static (1.0): about | 8.00 (7.50 – 8.25) | 1 | 123,457 | 600 | 1,200 | 2.0 → 3.0 |",
  );
  expect(text).toContain("| nginx (1.0): about | 12.00 (11.50 – 12.25) | 0.67 (0.67 – 0.67) |");
  expect(text).toContain("Left out: h2o: h2o is not installed (apt-get install h2o).");
  expect(text).toContain("`npm run bench -- hot --rounds 5 --seconds 3 --connections 64`");
  expect(text).not.toContain("Others were at work");
});

test("latencies that mean nothing are left out, and the command has what was asked for", () => {
  const plain = report(0.1);
  const result = { ...(plain.result as ComparisonResult), withoutLatencies: true };
  const settings = { ...plain.settings, tiny: true, targets: ["tz-static", "nginx"] };
  const text = toMarkdown({ ...plain, settings, result });
  expect(text).toContain("| tz-static (1.0): about | 8.00 (7.50 – 8.25) | 1 | 123,457 | 2.0 → 3.0 |");
  expect(text).not.toContain("p99");
  expect(text).toContain(
    "`npm run bench -- hot --rounds 5 --seconds 3 --connections 64 --targets tz-static,nginx --tiny`",
  );
});

test("a busy machine is said", () => {
  expect(toMarkdown(report(3))).toContain("Others were at work on this machine: repeat on a quiet one.");
});

test("a published table replaces the one before, and only that", () => {
  const page =
    "# A\n\n<!-- bench hot -->\nold\n<!-- /bench -->\n\nrest\n<!-- bench cold -->\nkept\n<!-- /bench -->\n";
  const once = withTable(page, report(0.1));
  expect(once).toMatch(/^# A\n\n<!-- bench hot -->\n\| Server \|/);
  expect(once).toContain("| nginx (1.0): about | 12.00 (11.50 – 12.25) | 0.67 (0.67 – 0.67) |");
  expect(once).toContain("<!-- /bench -->\n\nrest\n<!-- bench cold -->\nkept\n<!-- /bench -->\n");
  expect(once).not.toContain("\nold\n");
  expect(withTable(once, report(0.1))).toBe(once);
  expect(withTable("no place", report(0.1))).toBe("no place");
});
