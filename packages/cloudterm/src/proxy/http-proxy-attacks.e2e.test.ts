import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { createServer } from "@tz/server";
import { afterEach, describe, expect, test } from "vitest";
import { HttpProxy } from "./http-proxy.js";
import { rawUpstream } from "./proxy-gateway.fixture.js";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** An upstream that answers every request with the same bytes, and what it was sent. */
async function upstream(answer: string): Promise<{ port: number; seen: string[] }> {
  const seen: string[] = [];
  const server = await rawUpstream((socket) => {
    socket.on("end", () => socket.end());
    socket.on("data", (chunk: Buffer) => {
      seen.push(chunk.toString("latin1"));
      socket.write(Buffer.from(answer, "latin1"));
    });
  });
  stops.push(() => server.stop());
  return { port: server.port, seen };
}

async function front(kind: string, port: number): Promise<number> {
  const proxy = new HttpProxy({
    upstream: `http://127.0.0.1:${port}/up`,
    allow: ["127.0.0.1"],
    fields: [["Authorization", "of the operator"]],
  });
  stops.push(() => proxy.close());
  if (kind === "node:http") {
    const server = createHttpServer((incoming, outgoing) => void proxy.serve(incoming, outgoing));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    stops.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return (server.address() as AddressInfo).port;
  }
  const app = createServer();
  app.handle((request) => proxy.answer(request));
  stops.push(() => app.close({ timeoutMs: 0 }));
  return (await app.listen({ port: 0, host: "127.0.0.1" })).port;
}

/** What comes until the gateway closes; requests say `Connection: close`. */
function exchange(port: number, request: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    stops.push(() => socket.destroy());
    let got = "";
    socket.on("data", (chunk: Buffer) => {
      got += chunk.toString("latin1");
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(got));
    socket.write(request);
  });
}

const GET = "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

describe.each(["epoll", "node:http"])("%s", (kind) => {
  test.each<[string, string]>([
    ["the status 099", "HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\nok"],
    ["the status 600", "HTTP/1.1 600 Odd\r\nContent-Length: 2\r\n\r\nok"],
    ["the status 999", "HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nok"],
    ["101 without a protocol", "HTTP/1.1 101 Odd\r\n\r\n"],
    ["a coding that would be lost", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"],
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"],
    [
      "a length and chunks",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
  ])("an upstream's answer with %s is 502, and the gateway goes on", async (_name, answer) => {
    const port = await front(kind, (await upstream(answer)).port);
    for (let i = 0; i < 2; i++) expect(await exchange(port, GET)).toMatch(/^HTTP\/1\.1 502 /);
  });

  test("interim answers and trailers stay between gateway and upstream; 204 has no length", async () => {
    const interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n";
    const first = await exchange(await front(kind, (await upstream(interim + OK)).port), GET);
    expect(first).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(first).toMatch(/\r\n\r\nok$/);
    expect(first).not.toMatch(/link/i);
    const trailed =
      "HTTP/1.1 200 OK\r\nTrailer: Set-Cookie\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nSet-Cookie: a=b\r\n\r\n";
    const second = await exchange(await front(kind, (await upstream(trailed)).port), GET);
    expect(second).toMatch(/\r\n\r\n2\r\nok\r\n0\r\n\r\n$/);
    expect(second).not.toMatch(/cookie|trailer/i);
    const none = await upstream("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n");
    const third = await exchange(await front(kind, none.port), GET);
    expect(third).toMatch(/^HTTP\/1\.1 204 /);
    expect(third).not.toMatch(/content-length/i);
  });

  test.each<[string, string]>([
    ["out of the upstream's path", "GET /a/../../secret HTTP/1.1"],
    ["out of it, encoded", "GET /a/%2E%2e/%2e./secret HTTP/1.1"],
    ["out of it, by an encoded slash", "GET /a%2f..%2f..%2fsecret HTTP/1.1"],
    ["out of it, as Tomcat reads it", "GET /a/..;/secret HTTP/1.1"],
    ["that asks to see the operator's credentials", "TRACE /x HTTP/1.1"],
  ])("a request %s is refused before the upstream hears of it", async (_name, line) => {
    const up = await upstream(OK);
    const port = await front(kind, up.port);
    const answer = await exchange(port, `${line}\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(up.seen).toEqual([]);
    // Dots that are part of a name are none of that.
    const fine = "GET /a/..b/c.../.d?e=../f HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    expect(await exchange(port, fine)).toMatch(/ok$/);
    expect(up.seen[0]).toMatch(/^GET \/up\/a\/\.\.b\/c\.\.\.\/\.d\?e=\.\.\/f HTTP/);
  });

  test("an idle connection that the upstream closes when it is used again costs a GET nothing", async () => {
    let connections = 0;
    const server = await rawUpstream((socket) => {
      const mine = ++connections;
      let requests = 0;
      socket.on("end", () => socket.end());
      socket.on("data", () => {
        // The first connection answers once, and is reset by the next request.
        if (mine === 1 && ++requests === 2) socket.resetAndDestroy();
        else socket.write(OK);
      });
    });
    stops.push(() => server.stop());
    const port = await front(kind, server.port);
    expect(await exchange(port, GET)).toMatch(/ok$/);
    expect(await exchange(port, GET)).toMatch(/ok$/);
    expect(connections).toBe(2);
  });
});
