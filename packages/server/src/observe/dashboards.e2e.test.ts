import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type App, createServer } from "../app.js";
import { text } from "../handlers/reply.js";
import { until } from "../loop/socket-client.fixture.js";
import { monitoring } from "./monitoring.js";

const operate = new URL("../../../../docs/operate/", import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, operate), "utf8");

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}
const dashboard = JSON.parse(read("grafana-dashboard.json")) as {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly query: string | { readonly query: string } }[] };
};
/** What is asked, with the labels that its legend names. */
const panels = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr, legendFormat }) => [title, expr, legendFormat] as const),
);
/** `expr: one line`, or `expr: |` and deeper lines. */
const alerts = read("prometheus-alerts.yml")
  .split("- alert: ")
  .slice(1)
  .map((rule) => {
    const [name = ""] = rule.split("\n");
    const [, expression] = /expr: (?:\|\n)?([\s\S]*?)\n {8}(?:for|labels):/.exec(rule)!;
    return [name, expression!, rule] as const;
  });

/** Labels that Prometheus itself adds to what it reads. */
const PROMETHEUS_LABELS = new Set(["job", "instance", "le"]);

/** Names of samples that a real server tells, with their labels. */
const samples = new Map<string, Set<string>>();
let app: App;

beforeAll(async () => {
  app = createServer({ stats: true });
  monitoring(app);
  app.mount({ prefix: "/files", plan: () => text("file"), stats: { requests: 1, hits: 1 } } as never);
  const { port } = await app.listen({ port: 0 });
  const ask = async (path: string): Promise<string> =>
    (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  await ask("/files/a");
  await until(() => (app.stats().total?.mounts.length ?? 0) === 1);
  for (const line of (await ask("/metrics")).split("\n")) {
    const [, name, labels = ""] = /^(\w+)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
    if (name === undefined) continue;
    const known = samples.get(name) ?? new Set<string>();
    for (const [, label] of labels.matchAll(/(\w+)="/g)) known.add(label!);
    samples.set(name, known);
  }
});
afterAll(() => app.close({ timeoutMs: 500 }));

/** Every metric of an expression is one that is told, and its labels are labels that it has. */
function check(expression: string): void {
  const names = expression.match(/\btz_\w+/g) ?? [];
  for (const name of names) expect([...samples.keys()]).toContain(name);
  const own = names.flatMap((name) => [...samples.get(name)!]);
  const allowed = new Set([...own, ...PROMETHEUS_LABELS]);
  for (const label of labelsOf(expression)) expect([...allowed], expression).toContain(label);
}

function labelsOf(expression: string): string[] {
  const matched = [...expression.matchAll(/\{([^}]*)\}/g)].flatMap(([, inside]) =>
    [...inside!.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label]) => label!),
  );
  const grouped = [...expression.matchAll(/\b(?:by|without)\s*\(([^)]*)\)/g)].flatMap(([, inside]) =>
    inside!.split(",").map((label) => label.trim()),
  );
  return [...matched, ...grouped];
}

test("there is something to check", () => {
  expect(panels.length).toBeGreaterThan(20);
  expect(alerts.length).toBeGreaterThan(8);
  expect(samples.size).toBeGreaterThan(30);
});

test.each(panels)("dashboard, %s: %s", (_title, expression, legend) => {
  expect(expression).toMatch(/\btz_\w+/);
  check(expression);
  // A legend's label is one that the expression keeps.
  const kept = new Set([...labelsOf(expression), ...(/\bby\s*\(/.test(expression) ? [] : ["worker", "pid"])]);
  for (const [, label] of legend.matchAll(/\{\{(\w+)\}\}/g)) expect([...kept]).toContain(label);
});

test("the dashboard's variables are asked of metrics that there are", () => {
  const queries = dashboard.templating.list.map(({ query }) =>
    typeof query === "string" ? query : query.query,
  );
  for (const query of queries)
    for (const name of query.match(/\btz_\w+/g) ?? []) expect(samples.has(name)).toBe(true);
});

test.each(alerts)("alert %s: %s", (_name, expression, rule) => {
  expect(rule).toMatch(/severity: (critical|warning|info)/);
  expect(rule).toMatch(/summary: ".+"/);
  check(expression.replace(/\bup\{/, "{"));
});
