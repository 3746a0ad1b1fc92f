import assert from "node:assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { staticMount, toFetchHandler, toNodeHandler } from "@tz/static";

const folder = mkdtempSync(join(tmpdir(), "consumer-"));
writeFileSync(join(folder, "hello.txt"), "hello, files");

/** Each serves `folder` below `/assets`; returns the port and how to stop. */
const hosts = {
  async tz() {
    const { createServer: createTz } = await import("@tz/server");
    const app = createTz();
    app.mount(staticMount("/assets", folder));
    const { port } = await app.listen({ port: 0 });
    return { port, stop: () => app.close({ timeoutMs: 0 }) };
  },
  async express() {
    const { default: express } = await import("express");
    const app = express();
    app.use(toNodeHandler(staticMount("/assets", folder)));
    return listening(createServer(app));
  },
  async fastify() {
    const { default: fastify } = await import("fastify");
    const app = fastify();
    const files = toNodeHandler(staticMount("/assets", folder), { fallthrough: false });
    app.all("/assets/*", (request, reply) => {
      reply.hijack();
      files(request.raw, reply.raw);
    });
    await app.listen({ port: 0, host: "127.0.0.1" });
    return { port: app.server.address().port, stop: () => app.close() };
  },
  async hono() {
    const { Hono } = await import("hono");
    const app = new Hono();
    const files = toFetchHandler(staticMount("/assets", folder));
    app.all("/assets/*", (context) => files(context.req.raw));
    const answer = await app.request("http://localhost/assets/hello.txt");
    assert.strictEqual(await answer.text(), "hello, files");
    return undefined;
  },
};

const host = await hosts[process.argv[2]]();
if (host) {
  const answer = await fetch(`http://127.0.0.1:${host.port}/assets/hello.txt`);
  assert.strictEqual(answer.status, 200);
  assert.strictEqual(await answer.text(), "hello, files");
  await host.stop();
}
rmSync(folder, { recursive: true, force: true });
process.exit(0);

async function listening(server) {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: server.address().port, stop: () => server.closeAllConnections() };
}
