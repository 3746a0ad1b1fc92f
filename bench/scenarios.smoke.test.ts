import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { tablesOf } from "./harness/figures.js";
import { scenarioNames } from "./harness/scenario.js";
import { missingWrk } from "./harness/wrk.js";
import { missingCompiler } from "./load/program.js";
import { main } from "./main.js";

const built = ["static-demo", "one-million", "cloudterm"].every((app) =>
  existsSync(new URL(`../apps/${app}/dist/cli.js`, import.meta.url)),
);
const lacking = missingWrk() ?? missingCompiler() ?? (built ? undefined : "nothing is built (npm run build)");

/** One peer each is enough to see that a scenario runs; those without a line have no servers. */
const TARGETS: Readonly<Record<string, string>> = {
  hot: "tz-static,node-http,uws",
  "browser-headers": "tz-static,node-http",
  cold: "tz-static-cold",
  pipelined: "tz-static,node-http",
  sizes: "tz-static",
  json: "tz-route,fastify",
  validate: "tz-route,hono-node,node-http-json",
  "one-million": "one-million-2,one-million-1,node-http-events",
  "ws-echo": "tz-ws,ws",
  "latency-at-rate": "tz-static",
  "idle-connections": "tz-static",
  workers: "tz-static-2,tz-static,tz-pair",
  "busy-workers": "tz-busy-2,tz-busy-1",
  https: "tz-static-tls",
  handshakes: "tz-static-tls",
  http2: "tz-static-tls",
  "idle-tls": "tz-static-tls",
  startup: "tz-static,node-http",
  connections: "tz-static,node-http",
  "ws-proxy": "tz-splice,tz-frames,http-proxy-3",
  cloudterm: "cloudterm",
};

/** Tiny on purpose: it shows that the benches still run and still check, not how fast anything is. */
test.skipIf(lacking).each(scenarioNames())(
  `npm run bench -- %s${lacking ? `: ${lacking}` : ""}`,
  { timeout: 180_000 },
  async (name) => {
    const out = mkdtempSync(join(tmpdir(), "tz-bench-smoke-"));
    onTestFinished(() => rmSync(out, { recursive: true, force: true }));
    const print = vi.spyOn(console, "log").mockImplementation(() => {});
    vi.spyOn(console, "error").mockImplementation(() => {});
    onTestFinished(() => void vi.restoreAllMocks());
    const targets = TARGETS[name];

    const few = ["--tiny", "--rounds", "1", "--seconds", "1", "--connections", "4", "--out", out];
    const [report] = await main([name, ...few, ...(targets === undefined ? [] : ["--targets", targets])]);

    const tables = tablesOf(report!.title, report!.result);
    const seen = new Set([
      ...tables.flatMap((table) => table.rows.map(({ target }) => target)),
      ...report!.result.missing.map(({ target }) => target),
    ]);
    for (const target of targets?.split(",") ?? []) expect(seen).toContain(target);
    for (const { name: table, rows } of tables) {
      expect(rows.length, table).toBeGreaterThan(0);
      for (const { target, figure } of rows)
        expect(Number.isFinite(figure.median), `${table} ${target}: ${figure.median}`).toBe(true);
    }
    expect(print.mock.calls[0]?.[0]).toBe(readFileSync(join(out, `${name}.md`), "utf8"));
    expect(JSON.parse(readFileSync(join(out, "results.json"), "utf8"))).toHaveProperty([name]);
    expect(readFileSync(join(out, `${name}.svg`), "utf8")).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
  },
);

test("an unknown scenario is named with those that exist", async () => {
  await expect(main(["warm"])).rejects.toThrow(/no scenario "warm"; there are .*hot/);
});
