/** Session tickets and certificates that all workers have in common. */
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect } from "node:tls";
import { describe, expect, onTestFinished, test } from "vitest";
import { isEpollSupported } from "../loop/epoll.js";
import { CA, OTHER, RENEWED, SERVER } from "../tls/certificates.fixture.js";
import { type Supervised, supervise } from "./supervised.fixture.js";

const LOOPS = isEpollSupported().supported ? (["epoll", "node"] as const) : (["node"] as const);
const VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;
const timeout = 180_000;
const hasOpenssl = spawnSync("openssl", ["version"]).error === undefined;
const isRoot = process.getuid?.() === 0;
const REQUEST = "GET /who HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

interface Visit {
  readonly pid: number;
  readonly isReused: boolean;
  readonly subject: string;
  readonly session: Buffer;
}

/** One connection by `node:tls`, one request: who answered, and whether the session was resumed. */
function visit(port: number, options: ConnectionOptions): Promise<Visit> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, ca: CA, servername: "localhost", ...options });
    let answer = "";
    let session = Buffer.alloc(0);
    let subject = "";
    socket.on("session", (each) => {
      session = each;
    });
    socket.on("error", reject).on("data", (chunk) => (answer += chunk));
    socket.once("secureConnect", () => {
      subject = String(socket.getPeerCertificate().subject?.CN ?? "");
      socket.write(REQUEST);
    });
    socket.once("end", () => {
      const pid = Number(/"pid":(\d+)/.exec(answer)?.[1]);
      resolve({ pid, isReused: socket.isSessionReused(), subject, session });
    });
  });
}

/** The same by `openssl s_client`. */
function visitByOpenssl(port: number, args: readonly string[]): Promise<Pick<Visit, "pid" | "isReused">> {
  return new Promise((resolve, reject) => {
    const child = spawn("openssl", ["s_client", "-connect", `127.0.0.1:${port}`, "-ign_eof", ...args]);
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.on("error", reject).on("close", () => {
      const pid = Number(/"pid":(\d+)/.exec(output)?.[1]);
      resolve({ pid, isReused: /^Reused, TLSv1/m.test(output) });
    });
    child.stdin.end(REQUEST);
  });
}

/** Visits until every worker has answered. @returns what the visits had in common, each value once */
async function byAll<T>(
  served: Supervised,
  once: () => Promise<{ pid: number }>,
  value: (visit: never) => T,
): Promise<T[]> {
  const open = new Set(served.workers.map(({ pid }) => pid));
  const seen = new Set<T>();
  while (open.size > 0) {
    const each = await once();
    seen.add(value(each as never));
    open.delete(each.pid);
  }
  return [...seen];
}

describe.each(LOOPS)("workers on the %s loop", (loop) => {
  test("resume each other's sessions, after a rotation and a reload too, until the key is gone", {
    timeout,
  }, async () => {
    const served = await supervise({
      server: { loop },
      target: { tls: SERVER, workers: { count: 2, idleGraceMs: 0 } },
    });
    const { port } = served;
    const folder = mkdtempSync(join(tmpdir(), "tz-tickets-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const sessions = new Map<string, Buffer>();
    const fileOf = (version: string): string => join(folder, version);
    const flagOf = (version: string): string => (version === "TLSv1.2" ? "-tls1_2" : "-tls1_3");
    const begin = async (): Promise<void> => {
      for (const version of VERSIONS) {
        const { session } = await visit(port, { minVersion: version, maxVersion: version });
        sessions.set(version, session);
        if (!hasOpenssl) continue;
        await visitByOpenssl(port, [flagOf(version), "-sess_out", fileOf(version)]);
      }
    };
    const isReused = (each: { isReused: boolean }): boolean => each.isReused;
    /** By each client and version, whether workers resume the sessions that were begun. */
    const reused = async (): Promise<boolean[]> => {
      const all: boolean[] = [];
      for (const version of VERSIONS) {
        const options = { minVersion: version, maxVersion: version, session: sessions.get(version)! };
        all.push(...(await byAll(served, () => visit(port, options), isReused)));
        if (!hasOpenssl) continue;
        const args = [flagOf(version), "-sess_in", fileOf(version)];
        all.push(...(await byAll(served, () => visitByOpenssl(port, args), isReused)));
      }
      return [...new Set(all)];
    };
    await begin();
    expect(await reused()).toEqual([true]);
    served.child.send("rotate");
    expect(await served.event("tls-updated")).toMatchObject({ what: "ticket-keys" });
    expect(await reused()).toEqual([true]);
    served.child.send("reload");
    await served.event("reloaded");
    await served.event("ended", 2);
    expect(await reused()).toEqual([true]);
    // By a worker; the key that the sessions were begun with goes.
    await visitPath(port, "/rotate");
    await served.event("tls-updated", 2);
    expect(await reused()).toEqual([false]);
    await begin();
    expect(await reused()).toEqual([true]);
    if (loop === "node") return;
    const handedOver = served.event("handed-over");
    served.child.kill("SIGUSR2");
    const { pid } = await handedOver;
    onTestFinished(() => void process.kill(pid, "SIGKILL"));
    await served.exit;
    for (const version of VERSIONS) {
      const session = sessions.get(version)!;
      expect(await visit(port, { minVersion: version, maxVersion: version, session })).toMatchObject({
        isReused: true,
      });
    }
  });

  test("get a renewed certificate from their supervisor, those that come later too", {
    timeout,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "tz-renewed-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const files = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
    const write = (pair: typeof SERVER): void => {
      writeFileSync(files.cert, pair.cert);
      writeFileSync(files.key, pair.key);
      // Not for those who gave up their privileges.
      chmodSync(files.key, 0o600);
    };
    write(SERVER);
    const served = await supervise({
      server: { loop },
      target: { tls: files, workers: { count: 2 }, ...(isRoot && { user: "nobody" }) },
    });
    const { port } = served;
    const subjects = (): Promise<string[]> =>
      byAll(
        served,
        () => visit(port, {}),
        (each: Visit) => each.subject,
      );
    expect(await subjects()).toEqual(["localhost"]);
    write(RENEWED);
    served.child.send({ reloadTls: {} });
    expect(await served.event("tls-updated")).toMatchObject({ what: "certificates" });
    expect(await subjects()).toEqual(["localhost renewed"]);
    process.kill(served.workers[0]!.pid, "SIGKILL");
    await served.event("ready", 3);
    expect(await subjects()).toEqual(["localhost renewed"]);
    // What does not fit changes nothing.
    writeFileSync(files.key, OTHER.key);
    served.child.send({ reloadTls: {} });
    expect((await served.failure()).message).toMatch(/tls\.key is not the key of the certificate/);
    expect(await subjects()).toEqual(["localhost renewed"]);
    served.child.send({ reloadTls: SERVER });
    await served.event("tls-updated", 2);
    expect(await subjects()).toEqual(["localhost"]);
  });
});

function visitPath(port: number, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, ca: CA, servername: "localhost" }, () =>
      socket.write(REQUEST.replace("/who", path)),
    );
    socket.on("error", reject).once("end", resolve).resume();
  });
}
