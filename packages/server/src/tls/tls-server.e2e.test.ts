import { spawn, spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, get } from "node:https";
import { connect as connectPlain } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { type App, createServer } from "../app.js";
import { stream, text } from "../handlers/reply.js";
import { isEpollSupported } from "../loop/epoll.js";
import { until } from "../loop/socket-client.fixture.js";
import { exposition } from "../observe/exposition.js";
import type { ServerOptions } from "../options.js";
import { CA, CLIENT, OTHER, RENEWED, SERVER, STRANGER } from "./certificates.fixture.js";
import { newTicketKeys } from "./ticket-keys.js";
import type { TlsOptions } from "./tls-options.js";

const big = Buffer.alloc(5_000_000);
for (let i = 0; i < big.byteLength; i++) big[i] = (i * 2_654_435_761) >>> 24;

const variants: readonly (readonly ["epoll" | "node", "openssl" | "node"])[] = isEpollSupported().supported
  ? [
      ["epoll", "openssl"],
      ["epoll", "node"],
      ["node", "node"],
    ]
  : [["node", "node"]];

const has = (program: string) => spawnSync(program, ["version"]).error === undefined;

describe.each(variants)("HTTPS, loop %s, engine %s", (loop, engine) => {
  let app: App;
  let port: number;

  const start = async (tls: Partial<TlsOptions> = {}, options: ServerOptions = {}): Promise<App> => {
    const made = createServer({ loop, tickMs: 10, ...options });
    made.get("/", (request) => text(`${request.client.scheme} ${request.certificate?.subject ?? "-"}`));
    made.get("/big", () => new Response(big));
    made.get("/stream", () =>
      stream(
        (async function* () {
          yield Buffer.from("one ");
          yield Buffer.from("two");
        })(),
      ),
    );
    ({ port } = await made.listen({ port: 0, tls: { ...SERVER, engine, ...tls } }));
    app = made;
    return made;
  };

  afterEach(async () => {
    await app.close({ timeoutMs: 200 });
    expect(app.stats()).toMatchObject({ connections: 0, tls: { sslObjects: 0 } });
  });

  /** A connection after its handshake. */
  const open = (options: ConnectionOptions = {}): Promise<TLSSocket> =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port, ca: CA, servername: "localhost", ...options });
      onTestFinished(() => void socket.destroy());
      socket.once("secureConnect", () => resolve(socket)).on("error", reject);
    });

  /** Asks on a connection and reads to its end. */
  const ask = (socket: TLSSocket, request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") =>
    new Promise<string>((resolve, reject) => {
      let received = "";
      socket.on("data", (chunk) => {
        received += chunk.toString("latin1");
      });
      socket.on("end", () => resolve(received)).on("error", reject);
      socket.write(request);
    });

  const bodyOf = (answer: string) => answer.slice(answer.indexOf("\r\n\r\n") + 4);

  /** A session, of TLS 1.3 too, where tickets come after the handshake. */
  const sessionOf = async (options: ConnectionOptions = {}): Promise<Buffer> => {
    const socket = await open(options);
    const session = new Promise<Buffer>((resolve) => socket.once("session", resolve));
    await ask(socket);
    return socket.getProtocol() === "TLSv1.3" ? session : socket.getSession()!;
  };
  const isReused = async (session: Buffer, options: ConnectionOptions = {}): Promise<boolean> => {
    const socket = await open({ session, ...options });
    await ask(socket);
    return socket.isSessionReused();
  };

  describe("as it comes", () => {
    beforeEach(() => start());

    test("node:https: keep-alive, a large answer, the scheme", async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: CA });
      onTestFinished(() => agent.destroy());
      const fetchOne = (path: string) =>
        new Promise<Buffer>((resolve, reject) => {
          get({ host: "127.0.0.1", servername: "localhost", port, path, agent }, (response) => {
            const chunks: Buffer[] = [];
            response.on("data", (chunk: Buffer) => chunks.push(chunk));
            response.on("end", () => resolve(Buffer.concat(chunks)));
          }).on("error", reject);
        });
      expect((await fetchOne("/")).toString()).toBe("https -");
      expect((await fetchOne("/big")).equals(big)).toBe(true);
      expect((await fetchOne("/stream")).toString()).toBe("one two");
      expect(app.stats().tls).toMatchObject({ handshakes: 1, failed: 0 });
    });

    test("pipelined requests are answered in order", async () => {
      const one = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
      const last = "GET /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
      const received = await ask(await open(), one.repeat(50) + last);
      expect(received.match(/https -/g)).toHaveLength(50);
      expect(received).toMatch(/two\r\n0\r\n\r\n$/);
    });

    test("a request in pieces of one byte, each a record of its own", async () => {
      const socket = await open();
      const answer = ask(socket, "");
      for (const byte of "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") {
        await new Promise((resolve) => socket.write(byte, resolve));
      }
      expect(bodyOf(await answer)).toBe("https -");
    });

    test("an answer that ends with the connection ends with close_notify", async () => {
      const answer = await ask(await open(), "GET /stream HTTP/1.0\r\n\r\n");
      expect(bodyOf(answer)).toBe("one two");
    });

    test.each(["TLSv1.2", "TLSv1.3"] as const)("%s is spoken", async (version) => {
      const socket = await open({ minVersion: version, maxVersion: version });
      expect(socket.getProtocol()).toBe(version);
      expect(socket.authorized).toBe(true);
      expect(bodyOf(await ask(socket))).toBe("https -");
    });

    test("TLS 1.1, and ciphers without forward secrecy or authenticated encryption, are refused", async () => {
      await expect(
        open({ minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" }),
      ).rejects.toThrow(/version|unsupported|alert/i);
      for (const ciphers of ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA256"]) {
        await expect(open({ maxVersion: "TLSv1.2", ciphers })).rejects.toThrow(
          /handshake failure|no cipher/i,
        );
      }
      await until(() => app.stats().tls.failed >= 4);
    });

    test("ALPN: http/1.1 is chosen; without a protocol in common there is an alert", async () => {
      expect((await open({ ALPNProtocols: ["h2", "http/1.1"] })).alpnProtocol).toBe("http/1.1");
      expect((await open()).alpnProtocol).toBe(false);
      await expect(open({ ALPNProtocols: ["spdy/3"] })).rejects.toThrow(/no application protocol/);
    });

    test.each(["TLSv1.2", "TLSv1.3"] as const)("%s sessions are resumed by ticket", async (version) => {
      const session = await sessionOf({ maxVersion: version, minVersion: version });
      expect(await isReused(session, { maxVersion: version })).toBe(true);
      expect(app.stats().tls.resumed).toBe(1);
    });

    test("handshakes are counted beside what all workers count", async () => {
      await app.close({ timeoutMs: 200 });
      await start({}, { stats: true });
      const session = await sessionOf({});
      expect(await isReused(session)).toBe(true);
      await expect(
        open({ minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" }),
      ).rejects.toThrow();
      await until(() => app.stats().total!.tls.failed === 1);
      const { total, byWorker, tls } = app.stats();
      expect(total!.tls).toEqual({ handshakes: tls.handshakes, resumed: 1, failed: 1 });
      const lines = exposition({ total: total!, byWorker: byWorker! }, "prometheus").split("\n");
      expect(lines).toContain(`tz_tls_handshakes_total ${tls.handshakes}`);
      expect(lines).toContain("tz_tls_handshakes_resumed_total 1");
      expect(lines).toContain("tz_tls_handshakes_failed_total 1");
    });

    test("renegotiation is refused", async () => {
      const socket = await open({ maxVersion: "TLSv1.2" });
      const failed = new Promise<Error>((resolve) => socket.once("error", resolve));
      socket.renegotiate({}, () => {});
      expect((await failed).message).toMatch(/no renegotiation/);
    });

    test("plain HTTP, noise and half a ClientHello are closed and disturb nobody", async () => {
      const other = await open();
      const noises = [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\x16\x03\x01\x00\x05\x02aaaaaaaaaa",
        "\x16\x03\x01",
      ];
      for (const noise of noises) {
        const socket = connectPlain(port, "127.0.0.1");
        socket.on("error", () => {});
        const closed = new Promise((resolve) => socket.once("close", resolve));
        socket.end(Buffer.from(noise, "latin1"));
        socket.resume();
        await closed;
      }
      expect(bodyOf(await ask(other))).toBe("https -");
      await until(() => app.stats().tls.failed === 3);
    });
  });

  test("SNI: the name chooses the certificate, also by wildcard; others get the default", async () => {
    await start({ sni: { "other.test": OTHER, "*.other.test": OTHER } });
    const nameOf = async (servername: string) =>
      (await open({ servername, rejectUnauthorized: false })).getPeerCertificate().subject.CN;
    expect(await nameOf("other.test")).toBe("other.test");
    expect(await nameOf("WWW.Other.Test")).toBe("other.test");
    expect(await nameOf("a.b.other.test")).toBe("localhost");
    expect(await nameOf("unknown.test")).toBe("localhost");
  });

  // node:tls looks at the session before it asks for the certificate of the name.
  test.skipIf(engine === "node")("a session of one certificate is not resumed under another", async () => {
    await start({ sni: { "other.test": OTHER } });
    const session = await sessionOf();
    expect(await isReused(session, { servername: "other.test" })).toBe(false);
    expect(await isReused(session)).toBe(true);
  });

  test("minVersion TLSv1.3 refuses TLS 1.2", async () => {
    await start({ minVersion: "TLSv1.3" });
    await expect(open({ maxVersion: "TLSv1.2" })).rejects.toThrow(/version/);
    expect((await open()).getProtocol()).toBe("TLSv1.3");
  });

  test("given ciphers are those that are spoken", async () => {
    await start({ ciphers: "TLS_CHACHA20_POLY1305_SHA256:ECDHE-ECDSA-AES256-GCM-SHA384" });
    expect((await open()).getCipher().name).toBe("TLS_CHACHA20_POLY1305_SHA256");
    expect((await open({ maxVersion: "TLSv1.2" })).getCipher().name).toBe("ECDHE-ECDSA-AES256-GCM-SHA384");
  });

  test("ciphers that OpenSSL does not know are refused", async () => {
    await start();
    const bad = createServer({ loop });
    await expect(bad.listen({ port: 0, tls: { ...SERVER, engine, ciphers: "NO-SUCH" } })).rejects.toThrow(
      /cipher/i,
    );
    await bad.close();
  });

  test("servers with the same ticket keys resume each other's sessions; the key before is read", async () => {
    const keys = newTicketKeys();
    const first = await start({ ticketKeys: keys });
    const session = await sessionOf();
    await first.close({ timeoutMs: 200 });
    await start({ ticketKeys: keys });
    expect(await isReused(session)).toBe(true);
    const next = newTicketKeys(keys);
    app.reloadTls({ ticketKeys: next });
    expect(await isReused(session)).toBe(true);
    const after = await sessionOf();
    expect(await isReused(after)).toBe(true);
    app.reloadTls({ ticketKeys: newTicketKeys(next) });
    expect(await isReused(session)).toBe(false);
  });

  // node:tls makes tickets with the key that it reads them with.
  test.skipIf(engine === "node").each(["TLSv1.2", "TLSv1.3"] as const)(
    "%s: a ticket of the key before is renewed, so that a client who comes back stays resumed",
    async (version) => {
      const only = { minVersion: version, maxVersion: version };
      let keys = newTicketKeys();
      await start({ ticketKeys: keys });
      const first = await sessionOf(only);
      let session = first;
      for (let rotation = 0; rotation < 3; rotation++) {
        keys = newTicketKeys(keys);
        app.reloadTls({ ticketKeys: keys });
        const before = session;
        session = await sessionOf({ ...only, session });
        // Two tickets of one session, of different keys.
        expect(await isReused(before, only)).toBe(true);
        expect(await isReused(session, only)).toBe(true);
      }
      expect(app.stats().tls.resumed).toBe(9);
      expect(await isReused(first, only)).toBe(false);
    },
  );

  test.skipIf(engine === "node")("a ticket that was changed on its way is not resumed", async () => {
    const keys = newTicketKeys();
    await start({ ticketKeys: keys });
    const session = await sessionOf({ maxVersion: "TLSv1.2" });
    app.reloadTls({ ticketKeys: newTicketKeys(keys) });
    // Behind the name of its key.
    const at = session.indexOf(Buffer.from(keys.subarray(0, 16))) + 40;
    const changed = Buffer.from(session);
    changed[at]! ^= 1;
    expect(await isReused(changed, { maxVersion: "TLSv1.2" })).toBe(false);
    expect(await isReused(session, { maxVersion: "TLSv1.2" })).toBe(true);
  });

  describe("client certificates", () => {
    test("required: a good one is seen by the handler, none and a stranger's are refused", async () => {
      await start({ clientCertificate: "required", ca: CA });
      expect(bodyOf(await ask(await open(CLIENT)))).toBe("https CN=a client");
      // In TLS 1.3 the refusal comes after the client believes to be done.
      const refused = async (options: ConnectionOptions) => {
        const answer = await ask(await open(options));
        // node:tls closes without an alert where it knows the certificate's issuer not.
        if (answer === "") throw new Error("reset");
      };
      await expect(refused({})).rejects.toThrow(/certificate required/);
      await expect(refused({ maxVersion: "TLSv1.2" })).rejects.toThrow(/alert|certificate|handshake|reset/);
      await expect(refused(STRANGER)).rejects.toThrow(/unknown ca|alert|reset/);
    });

    test("optional: none is fine, a stranger's is not", async () => {
      await start({ clientCertificate: "optional", ca: CA });
      expect(bodyOf(await ask(await open()))).toBe("https -");
      expect(bodyOf(await ask(await open(CLIENT)))).toBe("https CN=a client");
      const stranger = (async () => ask(await open(STRANGER)))();
      await expect(
        stranger.then((answer) => answer || Promise.reject(new Error("closed"))),
      ).rejects.toThrow();
    });

    test("a resumed session still knows it", async () => {
      await start({ clientCertificate: "required", ca: CA });
      const session = await sessionOf(CLIENT);
      const socket = await open({ ...CLIENT, session });
      expect(bodyOf(await ask(socket))).toBe("https CN=a client");
      expect(socket.isSessionReused()).toBe(true);
    });
  });

  test("an OCSP response is stapled for clients that ask", async () => {
    const ocsp = Buffer.from("3003020106", "hex");
    const ask: object = { requestOCSP: true };
    await start({ ocsp });
    const socket = connect({ host: "127.0.0.1", port, ca: CA, servername: "localhost", ...ask });
    onTestFinished(() => void socket.destroy());
    const response = await new Promise<Buffer>((resolve, reject) => {
      socket.once("OCSPResponse", resolve).on("error", reject);
    });
    expect(response).toEqual(ocsp);
    expect((await open()).authorized).toBe(true);
  });

  test("reload: new connections get the new certificate, old ones go on; a bad one changes nothing", async () => {
    const directory = mkdtempSync(join(tmpdir(), "tz-tls-"));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const cert = join(directory, "cert.pem");
    const key = join(directory, "key.pem");
    const write = (pair: typeof SERVER) => {
      writeFileSync(cert, pair.cert);
      writeFileSync(key, pair.key);
    };
    write(SERVER);
    await start({ cert, key });
    const before = await open();
    write(RENEWED);
    app.reloadTls();
    expect((await open()).getPeerCertificate().subject.CN).toBe("localhost renewed");
    writeFileSync(key, OTHER.key);
    expect(() => app.reloadTls()).toThrow(/not the key/);
    expect((await open()).getPeerCertificate().subject.CN).toBe("localhost renewed");
    expect(before.getPeerCertificate().subject.CN).toBe("localhost");
    expect(bodyOf(await ask(before))).toBe("https -");
  });

  test("a handshake that does not come to its end is closed", async () => {
    await start({ handshakeTimeoutMs: 100 });
    const silent = connectPlain(port, "127.0.0.1");
    silent.on("error", () => {});
    const half = connectPlain(port, "127.0.0.1", () => half.write(Buffer.from("160301020001", "hex")));
    half.on("error", () => {});
    await Promise.all(
      [silent, half].map((each) => new Promise((resolve) => each.once("close", resolve).resume())),
    );
    expect(app.stats().tls.failed).toBe(2);
  });

  test("handshakes beyond the rate wait, and are refused when they would wait too long", async () => {
    await start({ handshakesPerSecond: 1, handshakeTimeoutMs: 1500 });
    const results = await Promise.allSettled(Array.from({ length: 6 }, () => open()));
    // One at once, one a second later; the others would have to wait for longer than a handshake may take.
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
    await until(() => app.stats().tls.handshakes === 2 && app.stats().tls.failed === 4);
  });

  test("connections of one address are bounded, those in a handshake too", async () => {
    await start({}, { maxConnectionsPerAddress: 2 });
    const kept = [await open(), await open()];
    const third = (async () => ask(await open()))();
    await expect(third.then((answer) => answer || Promise.reject(new Error("closed")))).rejects.toThrow();
    expect(kept).toHaveLength(2);
  });

  test.skipIf(!has("openssl"))("openssl s_client: chain, group, resumption, no compression", async () => {
    await start();
    const run = (args: readonly string[], input = "") =>
      new Promise<string>((resolve) => {
        const child = spawn("openssl", ["s_client", "-connect", `127.0.0.1:${port}`, ...args]);
        let output = "";
        for (const from of [child.stdout, child.stderr]) from.on("data", (chunk) => (output += chunk));
        child.on("close", () => resolve(output));
        child.stdin.end(input);
      });
    const directory = mkdtempSync(join(tmpdir(), "tz-tls-"));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const ca = join(directory, "ca.pem");
    writeFileSync(ca, CA);
    const normal = await run(["-CAfile", ca, "-verify_return_error", "-alpn", "http/1.1"]);
    expect(normal).toMatch(/Verification: OK/);
    expect(normal).toMatch(/Compression: NONE/);
    expect(normal).toMatch(/ALPN protocol: http\/1\.1/);
    expect(normal).toMatch(/CN ?= ?tz test intermediate/);
    const old = await run(["-tls1_2", "-reconnect"]);
    expect(old.match(/^Reused, TLSv1\.2/gm)).toHaveLength(5);
    expect(old).toMatch(/Secure Renegotiation IS supported/);
    expect(await run(["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"])).toMatch(/alert|no protocols available/);
    expect(await run(["-curves", "secp521r1"])).toMatch(/handshake failure/);
  });

  test.skipIf(!has("curl"))("curl: verified, a large file to the last byte", async () => {
    await start();
    const directory = mkdtempSync(join(tmpdir(), "tz-tls-"));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const ca = join(directory, "ca.pem");
    writeFileSync(ca, CA);
    const url = `https://localhost:${port}/big`;
    const resolve = `localhost:${port}:127.0.0.1`;
    const child = spawn("curl", ["-sS", "--http1.1", "--cacert", ca, "--resolve", resolve, url]);
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    expect(await new Promise((done) => child.on("close", done))).toBe(0);
    expect(Buffer.concat(chunks).equals(big)).toBe(true);
  });
});

test("the certificates of these tests are of one chain", () => {
  expect(new X509Certificate(OTHER.cert).checkIssued(new X509Certificate(CA))).toBe(true);
});
