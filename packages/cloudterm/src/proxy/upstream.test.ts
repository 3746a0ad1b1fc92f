import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { fieldsForClient, fieldsForUpstream } from "./forwarded-fields.js";
import { UpstreamGuard } from "./upstream.js";
import { openUpstream } from "./upstream-handshake.js";

const guard = new UpstreamGuard();

test.each([
  "ws://127.0.0.1/",
  "ws://127.1/",
  "ws://2130706433/",
  "ws://0x7f.1/",
  "ws://0177.0.0.1/",
  "ws://0.0.0.0/",
  "ws://[::1]/",
  "ws://[::]/",
  "ws://[::ffff:127.0.0.1]/",
  "ws://[::ffff:7f00:1]/",
  "ws://[fe80::1]/",
  "ws://[fd00::1]/",
  "ws://[64:ff9b::7f00:1]/",
  "http://169.254.169.254/latest/meta-data",
  "http://[fd00:ec2::254]/",
  "http://10.1.2.3/",
  "http://172.31.0.1/",
  "http://192.168.0.1/",
  "http://100.64.0.1/",
  "http://224.0.0.1/",
  "http://80@evil.example/",
  "http://user:pass@evil.example/",
  "http://example.com:80@127.0.0.1/",
  "http://evil.example#@example.com/",
  "http://example.com\\@127.0.0.1/",
  "http:/\\example.com",
  "http://exa\tmple.com/",
  " http://example.com/",
  "http://example.com/a b",
  "http://example.com:0/",
  "http://example.com:99999/",
  "http://ex%61mple.com/",
  "http://①②⑦.⓪.⓪.①/",
  "ftp://example.com/",
  "file:///etc/passwd",
  "//example.com/",
  "",
])("%j is no upstream", (url) => {
  expect(() => guard.parse(url)).toThrow(expect.objectContaining({ code: "TZ_CLOUDTERM_REQUEST" }));
});

test("upstreams that are", () => {
  expect(guard.parse("wss://example.com/a?b=c")).toEqual({
    secure: true,
    host: "example.com",
    port: 443,
    path: "/a?b=c",
    authority: "example.com",
  });
  expect(guard.parse("http://[2606:4700::1]:8080")).toMatchObject({
    host: "2606:4700::1",
    authority: "[2606:4700::1]:8080",
    path: "/",
  });
  const local = new UpstreamGuard({ allow: ["127.0.0.1", "10.0.0.0/8", "::1"] });
  expect(local.parse("ws://127.0.0.1:7681/ws").port).toBe(7681);
  expect(local.parse("ws://10.9.8.7/").host).toBe("10.9.8.7");
  expect(local.parse("ws://[::1]/").host).toBe("::1");
  expect(() => local.parse("ws://127.0.0.2/")).toThrow();
});

test.each(["localhost", "10.0.0.0/33", "10.0.0.0/x", "::1/129", ""])("allow: %j is refused", (entry) => {
  expect(() => new UpstreamGuard({ allow: [entry] })).toThrow(
    expect.objectContaining({ code: "TZ_CLOUDTERM_OPTION" }),
  );
});

test("a name that leads to an address that may not be reached is not connected to", async () => {
  const server = createServer();
  let heard = 0;
  server.on("connection", () => heard++);
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const { port } = server.address() as AddressInfo;
  const upstream = guard.parse(`ws://localhost:${port}/`);
  const offer = { upstream, path: "/", fields: [], protocols: [], extensions: "", timeoutMs: 20_000, guard };
  await expect(openUpstream(offer)).rejects.toMatchObject({ code: "TZ_CLOUDTERM_UPSTREAM" });
  expect(heard).toBe(0);
  server.close();
});

test("fields: what goes up, what comes down", () => {
  const upstream = new UpstreamGuard({ allow: ["10.0.0.1"] }).parse("http://10.0.0.1:81/app");
  const up = fieldsForUpstream(
    {
      method: "GET",
      target: "/",
      address: "192.0.2.1",
      scheme: "https",
      host: "term.example",
      fields: [
        ...[
          "Host",
          "term.example",
          "COOKIE",
          "secret",
          "authorization",
          "secret",
          "Connection",
          "close, X_Hop",
        ],
        ...["X-Hop", "secret", "TE", "trailers", "Transfer-Encoding", "chunked", "Forwarded", "for=secret"],
        ...["Referer", "https://term.example/secret", "Accept", "*/*", "Origin", "https://term.example"],
        ...["Sec-WebSocket-Key", "secret", "X-Auth-Request-User", "secret"],
      ],
    },
    upstream,
  );
  expect(up).toEqual([
    ["Host", "10.0.0.1:81"],
    ["Accept", "*/*"],
    ["Origin", "http://10.0.0.1:81"],
    ["X-Forwarded-For", "192.0.2.1"],
    ["X-Forwarded-Proto", "https"],
    ["X-Forwarded-Host", "term.example"],
  ]);
  const down = fieldsForClient(
    {
      statusCode: 204,
      rawHeaders: [
        ...["Content-Length", "5"],
        ...["Set-Cookie", "__Host-tz=evil", "Content-Type", "text/html", "Connection", "X-Hop", "X-Hop", "1"],
        ...[
          "Clear-Site-Data",
          "*",
          "Strict-Transport-Security",
          "max-age=0",
          "Location",
          "http://10.0.0.1:81/x",
        ],
        ...["Location", "/y", "Location", "https://elsewhere.example/", "Location", "//elsewhere.example/"],
      ],
    },
    upstream,
    "/tools",
  );
  expect(down).toEqual([
    ["Content-Type", "text/html"],
    ["Location", "/tools/x"],
    ["Location", "/tools/y"],
    ["Location", "https://elsewhere.example/"],
    ["Location", "//elsewhere.example/"],
  ]);
});
