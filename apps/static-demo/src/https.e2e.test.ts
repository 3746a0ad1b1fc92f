import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { get as getPlain, type IncomingMessage } from "node:http";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { isEpollSupported, selfSignedCertificate } from "@tz/server";
import { describe, expect, onTestFinished, test } from "vitest";
import { startCli } from "./cli.fixture.js";

const folder = mkdtempSync(join(tmpdir(), "tz-https-"));
writeFileSync(join(folder, "a.txt"), "a\n");

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  readonly subject: string;
  readonly fingerprint: string;
}

const read = (response: IncomingMessage): Promise<Answer> =>
  new Promise((resolve, reject) => {
    let body = "";
    const certificate = (response.socket as Partial<TLSSocket>).getPeerX509Certificate?.();
    const { subject = "", fingerprint256: fingerprint = "" } = certificate ?? {};
    response.on("data", (chunk) => (body += chunk)).on("error", reject);
    response.on("end", () =>
      resolve({ status: response.statusCode, headers: response.headers, body, subject, fingerprint }),
    );
  });
const secure = (url: string, ca?: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const trust = ca === undefined ? { rejectUnauthorized: false } : { ca, servername: "localhost" };
    get(url, { ...trust, agent: false }, (response) => resolve(read(response))).on("error", reject);
  });
const plain = (url: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    getPlain(url, { agent: false }, (response) => resolve(read(response))).on("error", reject);
  });

/** A certificate in files, and the files. */
const written = (name: string) => {
  const made = selfSignedCertificate({ names: [name, "localhost"] });
  const files = { cert: join(folder, ".cert.pem"), key: join(folder, ".key.pem") };
  writeFileSync(files.cert, made.cert);
  writeFileSync(files.key, made.key);
  return { ...files, ca: made.cert };
};

describe.each(["epoll", "node"])("loop %s", (loop) => {
  test("--tls-self-signed, --hsts and --http-redirect, two workers with one certificate", async () => {
    const cli = startCli([
      folder,
      "--port=0",
      "--loop",
      loop,
      "--tls-self-signed",
      "--hsts",
      "--http-redirect",
      "0",
    ]);
    const { url, port } = await cli.ready();
    expect(url).toBe(`https://127.0.0.1:${port}/`);
    expect(await secure(`${url}a.txt`)).toMatchObject({
      status: 200,
      body: "a\n",
      headers: { "strict-transport-security": "max-age=31536000" },
    });
    const all = await Promise.all([1, 2, 3, 4, 5, 6].map(() => secure(`${url}a.txt`)));
    expect(new Set(all.map(({ fingerprint }) => fingerprint)).size).toBe(1);
    const from = /^Redirecting (http:\S+)$/m.exec(cli.stderr)?.[1];
    const answer = await plain(`${from}a.txt?b`);
    expect(answer).toMatchObject({ status: 308, headers: { location: `${url}a.txt?b` } });
    expect(answer.headers).not.toHaveProperty("strict-transport-security");
    expect(await cli.stop()).toEqual({ code: 0, signal: null });
  });

  test("--cert and --key; SIGHUP reads them again, and keeps the old ones when they do not fit", async () => {
    const first = written("one.test");
    const cli = startCli([folder, "--port=0", "--loop", loop, "--cert", first.cert, "--key", first.key]);
    const { url } = await cli.ready();
    expect(await secure(`${url}a.txt`, first.ca)).toMatchObject({ body: "a\n", subject: "CN=one.test" });
    const noted = (text: string) => expect.poll(() => cli.stderr, { timeout: 120_000 }).toContain(text);
    const second = written("two.test");
    cli.child.kill("SIGHUP");
    await noted("Certificate read again");
    expect(await secure(`${url}a.txt`, second.ca)).toMatchObject({ body: "a\n", subject: "CN=two.test" });
    writeFileSync(second.key, selfSignedCertificate().key);
    cli.child.kill("SIGHUP");
    await noted("the old certificate stays: tls.key is not the key of the certificate");
    expect(await secure(`${url}a.txt`, second.ca)).toMatchObject({ subject: "CN=two.test" });
    await cli.stop();
  });
});

test("a certificate that cannot be read: one line, exit code 2", async () => {
  const cli = startCli([folder, "--port=0", "--cert", "/no.pem", "--key", "/no.pem"]);
  expect(await cli.exit).toEqual({ code: 2, signal: null });
  expect(cli.stderr).toMatch(/^tz-static: --cert is "\/no\.pem", which cannot be read [^\n]*\n$/);
});

const epoll = isEpollSupported();
const epollOnly = epoll.supported ? "" : ` (skipped: ${epoll.reason})`;

test.skipIf(!epoll.supported)(
  `SIGUSR2 hands over the redirect and the page for operators too${epollOnly}`,
  async () => {
    const more = ["--tls-self-signed", "--http-redirect=0", "--admin=127.0.0.1:0", "--health"];
    const cli = startCli([folder, "--port=0", "--workers=2", ...more]);
    const { url } = await cli.ready();
    const urlsOf = (label: string): string[] =>
      [...cli.stderr.matchAll(new RegExp(`^${label} (http:\\S+)$`, "gm"))].map(([, found]) => found!);
    cli.child.kill("SIGUSR2");
    await expect.poll(() => cli.stderr, { timeout: 120_000 }).toMatch(/Process \d+ serves now/);
    const successor = Number(/Process (\d+) serves now/.exec(cli.stderr)?.[1]);
    onTestFinished(() => {
      if (existsSync(`/proc/${successor}`)) process.kill(successor, "SIGKILL");
    });
    await expect.poll(() => cli.child.exitCode, { timeout: 120_000 }).toBe(0);
    await expect.poll(() => urlsOf("Monitoring on"), { timeout: 120_000 }).toHaveLength(2);
    for (const urls of [urlsOf("Redirecting"), urlsOf("Monitoring on")]) expect(urls[0]).toBe(urls[1]);
    const redirected = await plain(`${urlsOf("Redirecting")[0]}a.txt`);
    expect(redirected).toMatchObject({ status: 308, headers: { location: `${url}a.txt` } });
    expect(await plain(`${urlsOf("Monitoring on")[0]}health`)).toMatchObject({ status: 200 });
    expect(await secure(`${url}a.txt`)).toMatchObject({ body: "a\n" });
    process.kill(successor, "SIGTERM");
    await cli.exit;
    await expect(plain(`${urlsOf("Redirecting")[0]}`)).rejects.toThrow("ECONNREFUSED");
  },
);
