import { get as getPlain } from "node:http";
import { get } from "node:https";
import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type App, createServer } from "../app.js";
import { redirectToHttps } from "../handlers/redirect-to-https.js";
import { text } from "../handlers/reply.js";
import { isEpollSupported } from "../loop/epoll.js";
import { CA, SERVER } from "./certificates.fixture.js";
import { hstsValue } from "./hsts.js";

const field = "strict-transport-security";

test.each([
  [undefined, undefined],
  [false, undefined],
  [true, "max-age=31536000"],
  [{ maxAgeS: 60 }, "max-age=60"],
  [{ includeSubDomains: true, preload: true }, "max-age=31536000; includeSubDomains; preload"],
  [{ maxAgeS: 0 }, "max-age=0"],
])("%j is %s", (options, value) => {
  expect(hstsValue(options)).toBe(value);
});

test.each([
  [{ maxAgeS: -1 }, /tls\.hsts\.maxAgeS is -1; allowed: .*0 to/],
  [{ maxAge: 1 }, /unknown option tls\.hsts is maxAge; allowed: maxAgeS/],
  [{ preload: 1 }, /tls\.hsts\.preload is 1; allowed: true, false/],
  ["yes", /tls\.hsts is yes; allowed: true, false/],
])("%j is refused", (options, message) => {
  expect(() => hstsValue(options as never)).toThrow(message);
});

describe.each(isEpollSupported().supported ? (["epoll", "node"] as const) : (["node"] as const))(
  "loop %s",
  (loop) => {
    const apps: App[] = [];
    afterEach(async () => {
      await Promise.all(apps.splice(0).map((app) => app.close({ timeoutMs: 200 })));
    });
    const made = (): App => {
      const app = createServer({ loop, tickMs: 10 });
      apps.push(app);
      return app;
    };
    const secureHeaders = (port: number, path = "/") =>
      new Promise<Record<string, unknown>>((resolve, reject) => {
        get({ port, path, ca: CA, servername: "localhost", agent: false }, (response) => {
          response.resume().on("end", () => resolve(response.headers));
        }).on("error", reject);
      });
    const plainHeaders = (port: number) =>
      new Promise<Record<string, unknown>>((resolve, reject) => {
        getPlain({ port, agent: false }, (response) =>
          response.resume().on("end", () => resolve(response.headers)),
        ).on("error", reject);
      });

    test("every answer over TLS says it, errors too; answers over plain TCP never do", async () => {
      const app = made().get("/", () => text("x"));
      const { port } = await app.listen({ port: 0, tls: { ...SERVER, hsts: { maxAgeS: 100 } } });
      const plain = await app.listen({ port: 0 });
      expect(await secureHeaders(port)).toMatchObject({ [field]: "max-age=100" });
      expect(await secureHeaders(port, "/no")).toMatchObject({ [field]: "max-age=100" });
      expect(await plainHeaders(plain.port)).not.toHaveProperty(field);
      app.reloadTls({ hsts: { maxAgeS: 0 } });
      expect(await secureHeaders(port)).toMatchObject({ [field]: "max-age=0" });
      app.reloadTls({ hsts: false });
      expect(await secureHeaders(port)).not.toHaveProperty(field);
    });

    const raw = (port: number, request: string) =>
      new Promise<string>((resolve, reject) => {
        let answer = "";
        const socket = connect(port, "127.0.0.1", () => socket.write(request));
        socket.on("data", (data) => (answer += data)).on("error", reject);
        socket.on("end", () => resolve(answer));
      });

    test("a redirect keeps name, path and query; the port is the other one", async () => {
      const app = made().handle(redirectToHttps({ port: 8443 }));
      const { port } = await app.listen({ port: 0 });
      const to = async (line: string, host: string) =>
        /^HTTP\/1\.1 308 .*\r\nLocation: (\S*)\r\n/s.exec(
          await raw(port, `${line}\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
        )?.[1];
      expect(await to("GET /a%20b?c=d HTTP/1.1", "example.org")).toBe("https://example.org:8443/a%20b?c=d");
      expect(await to("GET / HTTP/1.1", `example.org:${port}`)).toBe("https://example.org:8443/");
      expect(await to("GET / HTTP/1.1", `[::1]:${port}`)).toBe("https://[::1]:8443/");
      expect(await to("GET http://other.test/x HTTP/1.1", "example.org")).toBe("https://other.test:8443/x");
      expect(await to("GET //evil.test/ HTTP/1.1", "example.org")).toBe(
        "https://example.org:8443//evil.test/",
      );
      const usual = await made().handle(redirectToHttps()).listen({ port: 0 });
      const answer = await raw(usual.port, "GET /a HTTP/1.1\r\nHost: a:80\r\nConnection: close\r\n\r\n");
      expect(answer).toContain("\r\nLocation: https://a/a\r\n");
      expect(await raw(port, "GET / HTTP/1.0\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 /);
      expect(await raw(port, "GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n")).toMatch(
        /^HTTP\/1\.1 400 /,
      );
    });
  },
);

test("a port that is none is refused", () => {
  expect(() => redirectToHttps({ port: 0 })).toThrow(/port is 0; allowed: .*1 to 65535/);
});
