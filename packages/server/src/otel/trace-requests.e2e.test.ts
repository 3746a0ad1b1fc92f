import { once } from "node:events";
import { connect } from "node:http2";
import { context, propagation, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-node";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { type App, createServer } from "../app.js";
import { isEpollSupported } from "../loop/epoll.js";
import { until } from "../loop/socket-client.fixture.js";
import { selfSignedCertificate } from "../tls/self-signed.js";
import { type TraceOptions, traceRequests } from "./index.js";

const loops = isEpollSupported().supported ? (["epoll", "node"] as const) : (["node"] as const);
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const CALLER = "b7ad6b7169203331";

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
// Context in AsyncLocalStorage, W3C trace context and baggage: what the SDK brings.
provider.register();
afterAll(() => provider.shutdown());

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  exporter.reset();
});

async function serve(loop: "epoll" | "node", routes: (app: App) => void): Promise<string> {
  const app = createServer({ loop, tickMs: 10 });
  closers.push(() => app.close({ timeoutMs: 500 }));
  routes(app);
  const { port } = await app.listen({ port: 0 });
  return `http://127.0.0.1:${port}`;
}
function tracing(options?: TraceOptions): void {
  closers.push(traceRequests(options));
}
/** Waits for as many spans; those of servers, in the order of their end. */
async function spans(count: number): Promise<ReadableSpan[]> {
  await until(() => exporter.getFinishedSpans().length >= count);
  return exporter.getFinishedSpans();
}

describe.each(loops)("spans of requests on the %s loop", (loop) => {
  test("name, kind and attributes are those of the semantic conventions", async () => {
    const base = await serve(loop, (app) => app.get("/users/:id(int)", ({ params }) => `${params.id}`));
    tracing({ requestFields: ["X-Tenant"] });
    await fetch(`${base}/users/7?sig=secret&page=2`, {
      headers: { "user-agent": "tests", "x-tenant": "t1" },
    });
    const [span] = await spans(1);
    expect([span!.name, span!.kind, span!.status.code]).toEqual([
      "GET /users/:id(int)",
      SpanKind.SERVER,
      SpanStatusCode.UNSET,
    ]);
    expect(span!.attributes).toEqual({
      "http.request.method": "GET",
      "http.route": "/users/:id(int)",
      "http.response.status_code": 200,
      "http.request.header.x-tenant": ["t1"],
      "url.scheme": "http",
      "url.path": "/users/7",
      "url.query": "sig=REDACTED&page=2",
      "server.address": "127.0.0.1",
      "server.port": Number(new URL(base).port),
      "client.address": "127.0.0.1",
      "network.peer.address": "127.0.0.1",
      "network.peer.port": expect.any(Number),
      "network.protocol.version": "1.1",
      "user_agent.original": "tests",
    });
  });

  test("the caller's trace goes on, and what the handler calls belongs to it", async () => {
    const inner = await serve(loop, (app) => app.get("/inner", () => "inner"));
    const outer = await serve(loop, (app) =>
      app.get("/outer", async () => {
        await new Promise((resolve) => setImmediate(resolve));
        return trace.getTracer("handler").startActiveSpan("work", async (span) => {
          const headers: Record<string, string> = {};
          propagation.inject(context.active(), headers);
          const answer = await (await fetch(`${inner}/inner`, { headers })).text();
          span.end();
          return answer;
        });
      }),
    );
    tracing();
    const headers = { traceparent: `00-${TRACE}-${CALLER}-01`, tracestate: "vendor=1" };
    expect(await (await fetch(`${outer}/outer`, { headers })).text()).toBe("inner");
    const all = await spans(3);
    const named = (name: string): ReadableSpan => all.find((span) => span.name === name)!;
    const chain = [named("GET /outer"), named("work"), named("GET /inner")];
    expect(chain.map((span) => span.spanContext().traceId)).toEqual([TRACE, TRACE, TRACE]);
    expect(chain.map((span) => span.parentSpanContext?.spanId)).toEqual([
      CALLER,
      chain[0]!.spanContext().spanId,
      chain[1]!.spanContext().spanId,
    ]);
    expect(chain[0]!.parentSpanContext?.isRemote).toBe(true);
    expect(chain[2]!.spanContext().traceState?.get("vendor")).toBe("1");
  });

  test("failures of the server are errors with their exception, those of the client are not", async () => {
    const base = await serve(loop, (app) => {
      app.get("/broken", () => {
        throw new TypeError("on purpose");
      });
      app.post("/json", async (request) => JSON.stringify(await request.json()));
    });
    tracing();
    await fetch(`${base}/broken`);
    await fetch(`${base}/json`, { method: "POST", body: "{" });
    const [broken, refused] = await spans(2);
    expect(broken!.status.code).toBe(SpanStatusCode.ERROR);
    expect(broken!.attributes).toMatchObject({
      "error.type": "TypeError",
      "http.response.status_code": 500,
    });
    expect(broken!.events.map(({ name, attributes }) => [name, attributes?.["exception.message"]])).toEqual([
      ["exception", "on purpose"],
    ]);
    expect([refused!.status.code, refused!.events.length]).toEqual([SpanStatusCode.UNSET, 0]);
    expect(refused!.attributes).toMatchObject({ "http.response.status_code": 400 });
    expect(refused!.attributes).not.toHaveProperty("error.type");
  });

  test("methods that nobody knows do not make names; ignored requests have no span", async () => {
    const base = await serve(loop, (app) => app.get("/health", () => "ok"));
    tracing({ ignore: ({ target }) => target === "/health" });
    await fetch(`${base}/health`);
    await fetch(`${base}/nowhere`, { method: "BREW" });
    const [span, ...others] = await spans(1);
    expect(others).toEqual([]);
    expect(span!.name).toBe("HTTP");
    expect(span!.attributes).toMatchObject({
      "http.request.method": "_OTHER",
      "http.request.method_original": "BREW",
      "http.response.status_code": 501,
    });
    expect(span!.attributes).not.toHaveProperty("http.route");
  });

  test("HTTP/2", async () => {
    const app = createServer({ loop, tickMs: 10 });
    closers.push(() => app.close({ timeoutMs: 500 }));
    app.get("/active", () => trace.getActiveSpan()?.spanContext().traceId ?? "none");
    const { cert, key } = selfSignedCertificate();
    const { port } = await app.listen({ port: 0, http2: true, tls: { cert, key } });
    tracing();
    const session = connect(`https://localhost:${port}`, { rejectUnauthorized: false });
    closers.push(() => session.destroy());
    const request = session.request({ ":path": "/active", traceparent: `00-${TRACE}-${CALLER}-01` });
    const body = once(request.setEncoding("utf8"), "data");
    expect(await body).toEqual([TRACE]);
    const [span] = await spans(1);
    expect(span!.parentSpanContext?.spanId).toBe(CALLER);
    expect(span!.attributes).toMatchObject({
      "network.protocol.version": "2",
      "url.scheme": "https",
      "server.address": "localhost",
      "server.port": port,
    });
  });
});

test("an option that is unknown or wrong is named", () => {
  expect(() => traceRequests({ fields: [] } as TraceOptions)).toThrow(
    "unknown option fields; allowed: tracerProvider, ignore, requestFields",
  );
  expect(() => traceRequests({ requestFields: "x" } as unknown as TraceOptions)).toThrow(
    "requestFields is x; allowed: a list of names",
  );
});
