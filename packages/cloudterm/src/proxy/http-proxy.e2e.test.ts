import { createHash, randomBytes } from "node:crypto";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { createServer } from "@tz/server";
import { afterEach, describe, expect, test } from "vitest";
import { unusedPort } from "../../../../scripts/workspace/unused-port.mjs";
import { HttpProxy, type HttpProxyOptions } from "./http-proxy.js";
import { rawUpstream, until } from "./proxy-gateway.fixture.js";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function upstream(listener: RequestListener): Promise<number> {
  const server = createHttpServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function gateway(
  front: string,
  port: number,
  options: Partial<HttpProxyOptions> = {},
): Promise<string> {
  const proxy = new HttpProxy({
    upstream: `http://127.0.0.1:${port}/app`,
    prefix: "/tool",
    allow: ["127.0.0.1"],
    ...options,
  });
  stops.push(() => proxy.close());
  if (front === "node:http") {
    return `http://127.0.0.1:${await upstream((incoming, outgoing) => void proxy.serve(incoming, outgoing))}`;
  }
  const app = createServer({ loop: front as "epoll", maxBodyBytes: 10_000_000 });
  app.handle((request) => proxy.answer(request));
  const address = await app.listen({ port: 0 });
  stops.push(() => app.close({ timeoutMs: 0 }));
  return `http://127.0.0.1:${address.port}`;
}

describe.each(["epoll", "node:http"])("%s", (front) => {
  test("methods, bodies, statuses, redirects; no credentials either way", async () => {
    const port = await upstream(async (request, response) => {
      const hash = createHash("sha256");
      for await (const chunk of request) hash.update(chunk as Buffer);
      response.writeHead(request.url === "/app/gone" ? 302 : 201, {
        "Set-Cookie": "a=b",
        Location: `http://127.0.0.1:${port}/login`,
        "X-Method": request.method!,
        "X-Url": request.url!,
        "X-Cookie": request.headers.cookie ?? "none",
        "X-Authorization": request.headers.authorization ?? "none",
      });
      response.end(hash.digest("hex"));
    });
    const url = await gateway(front, port);
    const body = randomBytes(300_000);
    const response = await fetch(`${url}/tool/a?b=c`, {
      method: "PUT",
      body,
      headers: { Cookie: "secret", Authorization: "Basic secret" },
    });
    expect(response.status).toBe(201);
    expect(await response.text()).toBe(createHash("sha256").update(body).digest("hex"));
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "x-method": "PUT",
      "x-url": "/app/a?b=c",
      "x-cookie": "none",
      "x-authorization": "none",
      location: "/tool/login",
    });
    expect(response.headers.get("set-cookie")).toBeNull();
    const redirect = await fetch(`${url}/tool/gone`, { redirect: "manual" });
    expect([redirect.status, redirect.headers.get("location")]).toEqual([302, "/tool/login"]);
    const head = await fetch(`${url}/tool`, { method: "HEAD" });
    expect([head.status, head.headers.get("x-url"), await head.text()]).toEqual([201, "/app/", ""]);
    expect((await fetch(`${url}/tooling`)).status).toBe(400);
    expect((await fetch(`${url}/other`)).status).toBe(400);
  });

  test("a large body at the client's pace", async () => {
    let sent = 0;
    let closed = false;
    const port = await upstream((_request, response) => {
      const chunk = randomBytes(65_536);
      const more = (): void => {
        while (!closed) {
          sent += chunk.length;
          if (!response.write(chunk)) return;
        }
      };
      response.on("drain", more);
      response.on("close", () => {
        closed = true;
      });
      more();
    });
    const url = new URL(await gateway(front, port));
    const socket = connect(Number(url.port), "127.0.0.1");
    stops.push(() => socket.destroy());
    socket.on("error", () => {});
    socket.pause();
    socket.write(`GET /tool/flood HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`);
    let last = -1;
    let still = 0;
    await until(() => {
      still = sent === last && sent > 0 ? still + 1 : 0;
      last = sent;
      return still > 60;
    });
    expect(sent).toBeLessThan(32_000_000);
    socket.destroy();
    await until(() => closed);
  });

  test("an upstream that refuses, hangs, breaks off or talks nonsense", async () => {
    const statusOf = async (port: number, answerTimeoutMs = 60_000): Promise<[number, string]> => {
      const response = await fetch(`${await gateway(front, port, { limits: { answerTimeoutMs } })}/tool`);
      return [response.status, await response.text()];
    };
    expect(await statusOf(await unusedPort())).toEqual([
      502,
      "the upstream cannot be reached (ECONNREFUSED)\n",
    ]);
    const hangs = await rawUpstream((socket) => void socket.resume());
    const nonsense = await rawUpstream((socket) => void socket.end("SSH-2.0-OpenSSH\r\n"));
    const switches = await rawUpstream((socket) =>
      socket.end("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"),
    );
    const breaks = await rawUpstream(
      (socket) => void socket.end("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"),
    );
    stops.push(() => [hangs, nonsense, switches, breaks].forEach((each) => void each.stop()));
    expect(await statusOf(hangs.port, 300)).toEqual([504, "the upstream did not answer within 300 ms\n"]);
    expect((await statusOf(nonsense.port))[0]).toBe(502);
    expect((await statusOf(switches.port))[0]).toBe(502);
    // What has begun cannot be answered otherwise: the client sees that it is cut.
    await expect(statusOf(breaks.port)).rejects.toThrow();
  });
});
