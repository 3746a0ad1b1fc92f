import { expect, test } from "vitest";
import { App } from "../app.js";
import { type FakeServer, fakeServer, parseResponses, textPlan } from "../fake-server.fixture.js";
import { FakeLoop } from "../loop/fake.js";
import { exposition } from "./exposition.js";
import { type MonitoringOptions, monitoring } from "./monitoring.js";
import { StatsTable } from "./stats-table.js";

async function monitored(options: MonitoringOptions = {}): Promise<FakeServer> {
  const server = await fakeServer(undefined, { stats: true });
  server.app.get("/users/:id", () => textPlan("hello"));
  server.app.mount({
    prefix: "/files",
    plan: () => textPlan("file"),
    stats: { requests: 4, hits: 3, entries: 1, bytes: 1000, fds: 1, evictions: 0 },
  } as never);
  monitoring(server.app, options);
  return server;
}

async function ask(server: FakeServer, path: string, fields: readonly string[] = ["Host: localhost"]) {
  const client = server.connect();
  Object.defineProperty(client, "remoteAddress", { value: "127.0.0.1" });
  client.clientSend(`GET ${path} HTTP/1.1\r\n${fields.map((line) => `${line}\r\n`).join("")}\r\n`);
  const answered = async (): Promise<number> => {
    await server.settle();
    return client.received.byteLength;
  };
  await expect.poll(answered, { timeout: 120_000 }).toBeGreaterThan(0);
  const [response] = parseResponses(client.received);
  client.clientReset();
  return response!;
}

/** Every line is metadata in its order, or a sample of the family above with a number. */
function familiesOf(text: string, format: "openmetrics" | "prometheus") {
  const families = new Map<string, { type: string; samples: Map<string, number> }>();
  let name = "";
  const lines = text.split("\n");
  expect(lines.pop()).toBe("");
  if (format === "openmetrics") expect(lines.pop()).toBe("# EOF");
  for (const line of lines) {
    const meta = /^# (TYPE|UNIT|HELP) (\S+) (.+)$/.exec(line);
    if (meta?.[1] === "TYPE") {
      name = meta[2]!;
      expect(families.has(name), name).toBe(false);
      families.set(name, { type: meta[3]!, samples: new Map() });
      continue;
    }
    if (meta !== null) {
      expect(meta[2]).toBe(name);
      if (meta[1] === "UNIT") expect(name.endsWith(`_${meta[3]}`), line).toBe(true);
      continue;
    }
    const sample = /^([a-z0-9_]+)((?:\{(?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)*\})?) (\S+)$/.exec(line);
    expect(sample, line).not.toBeNull();
    const { type, samples } = families.get(name)!;
    const suffixes = {
      counter: format === "openmetrics" ? ["_total"] : [""],
      gauge: [""],
      histogram: ["_bucket", "_sum", "_count"],
    };
    const allowed = suffixes[type as keyof typeof suffixes].map((suffix) => `${name}${suffix}`);
    expect(allowed).toContain(sample![1]);
    expect(samples.has(`${sample![1]}${sample![2]}`), line).toBe(false);
    expect(Number.isFinite(Number(sample![3])), line).toBe(true);
    samples.set(`${sample![1]}${sample![2]}`, Number(sample![3]));
  }
  return families;
}

test.each(["openmetrics", "prometheus"] as const)("metrics in the format of %s", async (format) => {
  const server = await monitored();
  await ask(server, "/users/1");
  await ask(server, "/nowhere");
  await expect.poll(() => server.app.stats().total?.mounts.length, { timeout: 120_000 }).toBe(1);
  const accept =
    format === "openmetrics" ? ["Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5"] : [];
  const { status, fields, body } = await ask(server, "/metrics", ["Host: 127.0.0.1:8080", ...accept]);
  expect(status).toBe(200);
  expect(fields["cache-control"]).toBe("no-store");
  expect(fields["content-type"]).toBe(
    format === "openmetrics"
      ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
      : "text/plain; version=0.0.4; charset=utf-8",
  );
  const families = familiesOf(body, format);
  const suffix = format === "openmetrics" ? "" : "_total";
  const requests = families.get(`tz_http_requests${suffix}`)!;
  expect(requests.type).toBe("counter");
  expect(Object.fromEntries(requests.samples)).toEqual({
    'tz_http_requests_total{route="/users/:id",code="2xx"}': 1,
    'tz_http_requests_total{route="(none)",code="4xx"}': 1,
  });
  const durations = families.get("tz_http_request_duration_seconds")!;
  const buckets = [...durations.samples]
    .filter(([name]) => name.includes("_bucket"))
    .map(([, count]) => count);
  expect(buckets).toEqual([...buckets].sort((a, b) => a - b));
  expect(buckets.at(-1)).toBe(durations.samples.get("tz_http_request_duration_seconds_count"));
  expect(
    families.get(`tz_mount_cache_hits${suffix}`)!.samples.get('tz_mount_cache_hits_total{mount="/files"}'),
  ).toBe(3);
  await server.app.close({ timeoutMs: 0 });
});

test("labels that people wrote are escaped", () => {
  const table = StatsTable.attach(new ArrayBuffer(StatsTable.byteLength(1)), 1);
  const block = table.block(0, 0);
  block.open(1, 1);
  block.answered(200, block.cellOf('/a"b\\c\nd'), 1);
  const byWorker = table.read();
  const text = exposition({ total: table.total(), byWorker }, "openmetrics");
  expect(text).toContain('tz_http_requests_total{route="/a\\"b\\\\c\\nd",code="2xx"} 1\n');
  familiesOf(text, "openmetrics");
});

test("a registry as that of prom-client is told with the rest, in its own format", async () => {
  for (const isOpen of [false, true]) {
    const server = await monitored({
      registry: {
        contentType: isOpen ? "application/openmetrics-text; version=1.0.0" : "text/plain; version=0.0.4",
        metrics: async () => `# HELP jobs Jobs.\n# TYPE jobs gauge\njobs 3\n${isOpen ? "# EOF\n" : ""}`,
      },
    });
    const { body, fields } = await ask(server, "/metrics");
    expect(fields["content-type"]).toContain(isOpen ? "openmetrics" : "text/plain");
    expect(body).toMatch(/^jobs 3$/m);
    expect(body.match(/# EOF/g)?.length ?? 0).toBe(isOpen ? 1 : 0);
    await server.app.close({ timeoutMs: 0 });
  }
});

test("without the option stats there are no metrics", async () => {
  const server = await fakeServer(undefined);
  monitoring(server.app);
  expect(await ask(server, "/metrics")).toMatchObject({ status: 503 });
  await server.app.close({ timeoutMs: 0 });
});

test.each([
  ["a name that was made to resolve to this machine", ["Host: evil.example"]],
  ["no name", ["Host:"]],
  ["a name that begins like one", ["Host: localhost.evil.example"]],
  ["an address of the network", ["Host: 192.168.1.7:8080"]],
  ["a proxy", ["Host: localhost", "X-Forwarded-For: 203.0.113.9"]],
  ["a proxy by the standard", ["Host: localhost", "Forwarded: for=203.0.113.9"]],
  ["a proxy that says so only", ["Host: localhost", "Via: 1.1 cache"]],
])("refuses %s", async (_, fields) => {
  const server = await monitored();
  for (const path of ["/metrics", "/health", "/ready"]) {
    expect((await ask(server, path, fields)).status).toBe(403);
  }
  await server.app.close({ timeoutMs: 0 });
});

test.each(["localhost", "localhost:8080", "app.localhost", "127.0.0.1", "[::1]:8080"])(
  "answers %s",
  async (host) => {
    const server = await monitored();
    const { status, body } = await ask(server, "/health", [`Host: ${host}`]);
    expect([status, JSON.parse(body)]).toEqual([200, { status: "ok" }]);
    await server.app.close({ timeoutMs: 0 });
  },
);

test("refuses a peer of the network, unless all may ask", async () => {
  for (const [options, status] of [
    [{}, 403],
    [{ allow: "all" }, 200],
    [{ allow: (request: { remoteAddress: string }) => request.remoteAddress === "192.0.2.7" }, 200],
  ] as const) {
    const server = await monitored(options as MonitoringOptions);
    const client = server.connect();
    Object.defineProperty(client, "remoteAddress", { value: "192.0.2.7" });
    client.clientSend("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await server.settle();
    expect(parseResponses(client.received)[0]!.status).toBe(status);
    await server.app.close({ timeoutMs: 0 });
  }
});

test("ready follows the checks, and is over before anything is closed", async () => {
  let database: unknown = false;
  const server = await monitored({
    checks: {
      database: () => database,
      broken: () => {
        if (database === "broken") throw new Error("on purpose");
      },
    },
  });
  const { app } = server;
  const ready = async () => {
    const { status, body } = await ask(server, "/ready");
    return [status, JSON.parse(body)];
  };
  expect(await ready()).toEqual([503, { status: "waiting", checks: { database: false, broken: true } }]);
  database = true;
  expect(await ready()).toEqual([200, { status: "ready", checks: { database: true, broken: true } }]);
  database = "broken";
  expect(await ready()).toEqual([503, { status: "waiting", checks: { database: true, broken: false } }]);
  database = true;
  let closed = false;
  const closing = app.close({ timeoutMs: 0, unreadyMs: 2000 }).then(() => {
    closed = true;
  });
  // New connections too are answered meanwhile, and kept.
  expect(await ready()).toEqual([503, { status: "stopping", checks: { database: true, broken: true } }]);
  expect(closed).toBe(false);
  expect((await ask(server, "/health")).fields.connection).toBeUndefined();
  await closing;
});

test("a check that takes too long does not hold", async () => {
  const server = await monitored({ checks: { stuck: () => new Promise(() => {}) }, checkTimeoutMs: 20 });
  expect(await ask(server, "/ready")).toMatchObject({ status: 503 });
  await server.app.close({ timeoutMs: 0 });
});

test("one server may tell of another", async () => {
  const { app } = await monitored({ metrics: false, health: false, ready: false });
  const admin = new FakeLoop(10);
  const adminApp = new App({ tickMs: 10 }, admin);
  monitoring(adminApp, { of: app, allow: "all" });
  await adminApp.listen({ port: 1 });
  const client = admin.connect();
  client.clientSend("GET /metrics HTTP/1.1\r\nHost: admin\r\n\r\n");
  await expect.poll(() => client.received.byteLength, { timeout: 120_000 }).toBeGreaterThan(0);
  expect(parseResponses(client.received)[0]!.body).toContain("tz_connections_accepted_total 0");
  await adminApp.close({ timeoutMs: 0 });
  await app.close({ timeoutMs: 0 });
});

test("refuses what it does not know", async () => {
  const { app } = await fakeServer(undefined);
  expect(() => monitoring(app, { allow: "some" as never })).toThrow("allow is some; allowed: local, all");
  await app.close({ timeoutMs: 0 });
});
